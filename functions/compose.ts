import type { Context } from "hono";

import { createMeter, measured } from "./adapters/metering/meter.ts";
import type { Fetch } from "./adapters/openrouter/provisioner.ts";
import { createProvisioner } from "./adapters/openrouter/provisioner.ts";
import type { Stores } from "./adapters/postgres/connect.ts";
import { isDatabaseAway } from "./adapters/postgres/database.ts";
import { extensionId, paths, redirectPath } from "./contract/paths.ts";
import type { App } from "./http/app.ts";
import { createApp } from "./http/app.ts";
import type { HttpEnv, RequestRecord } from "./http/env.ts";
import type { Clock, Deps } from "./services/deps.ts";
import type { Settled } from "./services/settle-due.ts";
import { lazily } from "./lazily.ts";
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
  /** Keeps the host running until the work is done, also after an answer has gone out. */
  readonly afterAnswer: (work: Promise<unknown>) => void;
}

export interface ComposedFunction {
  readonly app: App;
  /** Does what is due by the clock. */
  readonly settleDue: (signal: AbortSignal) => Promise<Settled>;
}

/** The function, built from its settings and a host's means. */
export function compose(settings: Settings, runtime: Runtime): ComposedFunction {
  const [onlyDomain, ...otherDomains] = settings.allowedDomains;
  const meter = createMeter();
  const { stores } = runtime;
  const deps: Deps = {
    keys: measured(stores.keys, meter.database),
    accounts: measured(stores.accounts, meter.database),
    raises: measured(stores.raises, meter.database),
    audit: measured(stores.audit, meter.database),
    rates: measured(stores.rates, meter.database),
    leases: measured(stores.leases, meter.database),
    pingDatabase: () => meter.database(stores.pingDatabase),
    provisioner: createProvisioner({
      ...settings.openRouter,
      fetch: (url, init) => meter.upstream(() => runtime.fetch(url, init)),
      wait: runtime.wait,
      clock: runtime.clock,
    }),
    // What only a sign-in or a new key needs is loaded for the first of them: a start does not wait for it.
    issuer: lazily(["authorizationUrl", "redeem"], async () =>
      (await import("./adapters/identity/oidc.ts")).createOidcIssuer({
        ...settings.oidc,
        redirectUri: `${settings.publicUrl}${paths.authCallback}`,
        hostedDomain: otherDomains.length === 0 ? onlyDomain : undefined,
        clock: runtime.clock,
      }),
    ),
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
    settleDue: async (signal) => (await import("./services/settle-due.ts")).settleDue(deps, signal),
  };
}
