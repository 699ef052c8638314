import type { Hono } from "hono";

import { createOidcIssuer } from "./adapters/identity/oidc.ts";
import type { Fetch } from "./adapters/openrouter/provisioner.ts";
import { createProvisioner } from "./adapters/openrouter/provisioner.ts";
import type { Stores } from "./adapters/postgres/connect.ts";
import { isDatabaseAway } from "./adapters/postgres/database.ts";
import { extensionId, paths, redirectPath } from "./contract/paths.ts";
import { createApp } from "./http/app.ts";
import type { HttpEnv, RequestRecord } from "./http/env.ts";
import type { Clock, Deps } from "./services/deps.ts";
import { sweepReservations } from "./services/sweep-reservations.ts";
import type { Settings } from "./settings.ts";

/** What a host brings. */
export interface Runtime {
  readonly stores: Stores;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly record: (request: RequestRecord) => void;
}

export interface ComposedFunction {
  readonly app: Hono<HttpEnv>;
  readonly sweep: (signal: AbortSignal) => Promise<number>;
}

/** The function, built from its settings and a host's means. */
export function compose(settings: Settings, runtime: Runtime): ComposedFunction {
  const [onlyDomain, ...otherDomains] = settings.allowedDomains;
  const deps: Deps = {
    keys: runtime.stores.keys,
    accounts: runtime.stores.accounts,
    pingDatabase: runtime.stores.pingDatabase,
    provisioner: createProvisioner({ ...settings.openRouter, fetch: runtime.fetch, wait: runtime.wait }),
    issuer: createOidcIssuer({
      ...settings.oidc,
      redirectUri: `${settings.publicUrl}${paths.authCallback}`,
      hostedDomain: otherDomains.length === 0 ? onlyDomain : undefined,
      clock: runtime.clock,
    }),
    // Loaded when the first key is made: a start does not need it.
    seal: async (secret, recipient) => (await import("./adapters/sealing/seal.ts")).sealSecret(secret, recipient),
    clock: runtime.clock,
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
    }),
    sweep: (signal) => sweepReservations(deps, signal),
  };
}
