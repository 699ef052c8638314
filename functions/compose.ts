import type { Context, Hono } from "hono";

import { createOidcIssuer } from "./adapters/identity/oidc.ts";
import { createMeter, measured } from "./adapters/metering/meter.ts";
import { pathPattern } from "./adapters/openrouter/path-pattern.ts";
import type { Fetch } from "./adapters/openrouter/provisioner.ts";
import { createProvisioner } from "./adapters/openrouter/provisioner.ts";
import type { Stores } from "./adapters/postgres/connect.ts";
import { isDatabaseAway } from "./adapters/postgres/database.ts";
import { extensionId, paths, redirectPath } from "./contract/paths.ts";
import { createApp } from "./http/app.ts";
import type { HttpEnv, RequestRecord } from "./http/env.ts";
import type { Clock, Deps } from "./services/deps.ts";
import type { KeyStore } from "./services/key-store.ts";
import type { Telemetry } from "./services/meter.ts";
import type { Settled } from "./services/settle-due.ts";
import { settleDue } from "./services/settle-due.ts";
import type { Settings } from "./settings.ts";

/** What a host brings. */
export interface Runtime {
  readonly stores: Stores;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly record: (request: RequestRecord) => void;
  /** Who is asking; requests are counted by it. */
  readonly addressOf: (context: Context<HttpEnv>) => string;
  /** Where a collector is to be told what is measured. */
  readonly telemetry?: Telemetry | undefined;
  /** Keeps the host running until the work is done, also after an answer has gone out. */
  readonly afterAnswer: (work: Promise<unknown>) => void;
}

export interface ComposedFunction {
  readonly app: Hono<HttpEnv>;
  /** Does what is due by the clock. */
  readonly settleDue: (signal: AbortSignal) => Promise<Settled>;
}

/** The function, built from its settings and a host's means. */
export function compose(settings: Settings, runtime: Runtime): ComposedFunction {
  const [onlyDomain, ...otherDomains] = settings.allowedDomains;
  const meter = createMeter(runtime.telemetry);
  const { stores } = runtime;
  const deps: Deps = {
    keys: countingKeys(measured("keys", stores.keys, meter.database), runtime.telemetry),
    accounts: measured("accounts", stores.accounts, meter.database),
    raises: measured("raises", stores.raises, meter.database),
    audit: measured("audit", stores.audit, meter.database),
    rates: measured("rates", stores.rates, meter.database),
    leases: measured("leases", stores.leases, meter.database),
    pingDatabase: () => meter.database("ping", stores.pingDatabase),
    provisioner: createProvisioner({
      ...settings.openRouter,
      fetch: (url, init) =>
        meter.upstream(
          () => ({ method: init.method, pattern: pathPattern(settings.openRouter.baseUrl, url) }),
          () => runtime.fetch(url, init),
        ),
      wait: runtime.wait,
      clock: runtime.clock,
    }),
    issuer: createOidcIssuer({
      ...settings.oidc,
      redirectUri: `${settings.publicUrl}${paths.authCallback}`,
      hostedDomain: otherDomains.length === 0 ? onlyDomain : undefined,
      clock: runtime.clock,
    }),
    // Loaded when the first key is made: a start does not need it.
    seal: async (secret, recipient) => (await import("./adapters/sealing/seal.ts")).sealSecret(secret, recipient),
    clock: runtime.clock,
    wait: runtime.wait,
    afterAnswer: runtime.afterAnswer,
    rules: {
      plans: settings.plans,
      allowedDomains: settings.allowedDomains,
      adminEmails: settings.adminEmails,
      redirects: { extensionId, path: redirectPath, listed: settings.sessionRedirects },
    },
  };
  return {
    app: createApp(deps, {
      isSecure: settings.publicUrl.startsWith("https://"),
      isDatabaseAway,
      record: runtime.record,
      meter,
      addressOf: runtime.addressOf,
    }),
    settleDue: (signal) => meter.inJob("settle due", () => settleDue(deps, signal)),
  };
}

/** A key counts as made when it is confirmed, whatever the caller gets to hear of it. */
function countingKeys(keys: KeyStore, telemetry: Telemetry | undefined): KeyStore {
  if (telemetry === undefined) return keys;
  return {
    ...keys,
    async confirm(confirmation) {
      const isConfirmed = await keys.confirm(confirmation);
      if (isConfirmed) telemetry.keyMade(confirmation.replaces === undefined ? "create" : "rotate");
      return isConfirmed;
    },
  };
}
