import type { Context } from "hono";

import { createMeter, measured } from "./adapters/metering/meter.ts";
import type { DocumentMeans } from "./adapters/identity/issuer-document.ts";
import { pathPattern } from "./adapters/openrouter/path-pattern.ts";
import type { Fetch } from "./adapters/openrouter/provisioner.ts";
import { createProvisioner } from "./adapters/openrouter/provisioner.ts";
import type { Stores } from "./adapters/postgres/stores.ts";
import { isDatabaseAway } from "./adapters/postgres/database.ts";
import { editorSchemes, extensionId, paths, redirectPath } from "./contract/paths.ts";
import type { App } from "./http/app.ts";
import { createApp } from "./http/app.ts";
import type { HttpEnv, RequestRecord } from "./http/env.ts";
import type { Clock, Deps } from "./services/deps.ts";
import type { DirectorySource } from "./services/directory.ts";
import type { AccessTokenIssuer, IdentityIssuer } from "./services/identity-issuer.ts";
import type { KeyStore } from "./services/key-store.ts";
import type { Telemetry } from "./services/meter.ts";
import type { NightlySummary } from "./services/run-nightly.ts";
import type { Settled } from "./services/settle-due.ts";
import { companyDirectories, laterSource } from "./directories.ts";
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
  /** Where a collector is to be told what is measured. */
  readonly telemetry?: Telemetry | undefined;
  /** Keeps the host running until the work is done, also after an answer has gone out. */
  readonly afterAnswer: (work: Promise<unknown>) => void;
}

export interface ComposedFunction {
  readonly app: App;
  /** Does what is due by the clock. */
  readonly settleDue: (signal: AbortSignal) => Promise<Settled>;
  /** The scheduled trigger. */
  readonly runNightly: (signal: AbortSignal) => Promise<NightlySummary>;
  /** Whether an administrator has approved a list that no run has acted on yet. */
  readonly hasApproval: () => Promise<boolean>;
}

/** The function, built from its settings and a host's means. */
export function compose(settings: Settings, runtime: Runtime): ComposedFunction {
  const meter = createMeter(runtime.telemetry);
  const { stores } = runtime;
  const means: DocumentMeans = {
    fetch: runtime.fetch,
    cache: measured("documents", stores.documents, meter.database),
    clock: runtime.clock,
  };
  const deps: Deps = {
    keys: countingKeys(measured("keys", stores.keys, meter.database), runtime.telemetry),
    accounts: measured("accounts", stores.accounts, meter.database),
    identities: measured("identities", stores.identities, meter.database),
    raises: measured("raises", stores.raises, meter.database),
    audit: measured("audit", stores.audit, meter.database),
    rates: measured("rates", stores.rates, meter.database),
    leases: measured("leases", stores.leases, meter.database),
    directoryStore: measured("directory", stores.directoryStore, meter.database),
    nightly: measured("nightly", stores.nightly, meter.database),
    revocations: measured("revocations", stores.revocations, meter.database),
    drift: measured("drift", stores.drift, meter.database),
    scim: measured("scim", stores.scim, meter.database),
    directory: directorySources(settings, runtime),
    nightlyRules: settings.nightly,
    beat: heartbeat(settings.heartbeatUrl, runtime.fetch),
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
    issuer: signInIssuer(settings, means),
    accessTokens: accessTokenIssuer(settings, means),
    // Loaded when the first key is made: a start does not need it.
    prepareSeal: async (recipient) => (await import("./adapters/sealing/seal.ts")).prepareSeal(recipient),
    clock: runtime.clock,
    wait: runtime.wait,
    afterAnswer: runtime.afterAnswer,
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
        editorSchemes,
        codePage: `${settings.publicUrl}${paths.authCode}`,
      },
    },
  };
  return {
    app: createApp(deps, {
      isSecure: settings.publicUrl.startsWith("https://"),
      isDatabaseAway,
      record: runtime.record,
      meter,
      addressOf: runtime.addressOf,
      cronSecrets: settings.cronSecrets,
      scim:
        settings.scim === undefined
          ? undefined
          : { tokens: settings.scim.tokens, base: `${settings.publicUrl}${paths.scim}` },
    }),
    settleDue: (signal) =>
      meter.inJob("settle due", async () => (await import("./services/settle-due.ts")).settleDue(deps, signal)),
    runNightly: (signal) =>
      meter.inJob("nightly", async () => (await import("./services/run-nightly.ts")).runNightly(deps, signal)),
    hasApproval: async () => (await import("./services/run-nightly.ts")).hasNewApproval(deps),
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

/** What was pushed over SCIM is a source like the directories that are asked. */
function directorySources(settings: Settings, runtime: Runtime): readonly DirectorySource[] {
  const asked = companyDirectories(settings, runtime);
  if (settings.scim === undefined || settings.scim.tokens.length === 0) return asked;
  const load = async () => (await import("./services/scim-directory.ts")).createScimDirectory(runtime.stores.scim);
  return [...asked, laterSource("SCIM", load)];
}

const beatMs = 10_000;

function heartbeat(url: string | undefined, fetch: Fetch): (() => Promise<void>) | undefined {
  if (url === undefined) return undefined;
  return async () => {
    const answer = await fetch(url, {
      method: "GET",
      headers: {},
      redirect: "error",
      signal: AbortSignal.timeout(beatMs),
    });
    await answer.text();
  };
}

/** What only a sign-in needs is loaded for the first of them: a start does not wait for it. */
function signInIssuer(settings: Settings, means: DocumentMeans): IdentityIssuer {
  const { signIn, allowedDomains } = settings;
  const redirectUri = `${settings.publicUrl}${paths.authCallback}`;
  const verbs = ["authorizationUrl", "redeem"] as const;
  if (signIn.kind === "github") {
    return lazily<IdentityIssuer>(verbs, async () => {
      const { createGitHubIssuer } = await import("./adapters/identity/github.ts");
      return createGitHubIssuer({ ...means, ...signIn, redirectUri, allowedDomains });
    });
  }
  const [onlyDomain, ...otherDomains] = allowedDomains;
  const hostedDomain = otherDomains.length === 0 ? onlyDomain : undefined;
  const wantsGroups =
    settings.adminGroup !== undefined ||
    settings.plans.some(({ match }) => match !== "everyone" && match.groups !== undefined);
  return lazily<IdentityIssuer>(verbs, async () => {
    const { createOidcIssuer } = await import("./adapters/identity/oidc.ts");
    return createOidcIssuer({ ...means, ...signIn, redirectUri, hostedDomain, wantsGroups });
  });
}

function accessTokenIssuer({ entraApi }: Settings, means: DocumentMeans): AccessTokenIssuer | undefined {
  if (entraApi === undefined) return undefined;
  const { tenantId, audience } = entraApi;
  const issuer = lazily<Pick<AccessTokenIssuer, "verify">>(["verify"], async () => {
    const { createEntraIssuer } = await import("./adapters/identity/entra.ts");
    return createEntraIssuer(means, entraApi);
  });
  return { api: { tenantId, audience }, ...issuer };
}
