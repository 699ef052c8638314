import type { Hono } from "hono";

import type { DocumentMeans } from "./adapters/identity/issuer-document.ts";
import { lazyAccessTokenIssuer, lazyIssuer } from "./adapters/identity/lazy.ts";
import type { Fetch } from "./adapters/openrouter/provisioner.ts";
import { createProvisioner } from "./adapters/openrouter/provisioner.ts";
import type { Stores } from "./adapters/postgres/connect.ts";
import { isDatabaseAway } from "./adapters/postgres/database.ts";
import { extensionId, paths, redirectPath } from "./contract/paths.ts";
import { createApp } from "./http/app.ts";
import type { HttpEnv, RequestRecord } from "./http/env.ts";
import type { Clock, Deps } from "./services/deps.ts";
import type { AccessTokenIssuer, IdentityIssuer } from "./services/identity-issuer.ts";
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
  const means: DocumentMeans = { fetch: runtime.fetch, cache: runtime.stores.documents, clock: runtime.clock };
  const deps: Deps = {
    keys: runtime.stores.keys,
    accounts: runtime.stores.accounts,
    identities: runtime.stores.identities,
    pingDatabase: runtime.stores.pingDatabase,
    provisioner: createProvisioner({ ...settings.openRouter, fetch: runtime.fetch, wait: runtime.wait }),
    issuer: signInIssuer(settings, means),
    accessTokens: accessTokenIssuer(settings, means),
    // Loaded when the first key is made: a start does not need it.
    seal: async (secret, recipient) => (await import("./adapters/sealing/seal.ts")).sealSecret(secret, recipient),
    clock: runtime.clock,
    rules: {
      plans: settings.plans,
      allowedDomains: settings.allowedDomains,
      requireEmailVerified: settings.requireEmailVerified,
      allowGuests: settings.allowGuests,
      adminEmails: settings.adminEmails,
      adminGroup: settings.adminGroup,
      redirects: {
        extensionId,
        path: redirectPath,
        listed: settings.sessionRedirects,
        codePage: `${settings.publicUrl}${paths.authCode}`,
      },
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

function signInIssuer(settings: Settings, means: DocumentMeans): IdentityIssuer {
  const { signIn, allowedDomains } = settings;
  const redirectUri = `${settings.publicUrl}${paths.authCallback}`;
  if (signIn.kind === "github") {
    return lazyIssuer(async () => {
      const { createGitHubIssuer } = await import("./adapters/identity/github.ts");
      return createGitHubIssuer({ ...means, ...signIn, redirectUri, allowedDomains });
    });
  }
  const [onlyDomain, ...otherDomains] = allowedDomains;
  const hostedDomain = otherDomains.length === 0 ? onlyDomain : undefined;
  const wantsGroups =
    settings.adminGroup !== undefined ||
    settings.plans.some(({ match }) => match !== "everyone" && match.groups !== undefined);
  return lazyIssuer(async () => {
    const { createOidcIssuer } = await import("./adapters/identity/oidc.ts");
    return createOidcIssuer({ ...means, ...signIn, redirectUri, hostedDomain, wantsGroups });
  });
}

function accessTokenIssuer({ entraApi }: Settings, means: DocumentMeans): AccessTokenIssuer | undefined {
  if (entraApi === undefined) return undefined;
  return lazyAccessTokenIssuer(async () => {
    const { createEntraIssuer } = await import("./adapters/identity/entra.ts");
    return createEntraIssuer(means, entraApi);
  });
}
