import { generateKeyPair, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { promisify } from "node:util";

import { interactionPolicy, Provider } from "oidc-provider";
import type { AdapterPayload, Configuration, Grant, KoaContextWithOIDC } from "oidc-provider";

import { createMemoryAdapter } from "./memory-adapter.ts";
import { claimsOf } from "./people.ts";
import type { Person } from "./people.ts";
import { faultPage } from "./sign-in-page.ts";

const hour = 3600;

/** The id of the provider's one signing key. */
export const keyId = "stand-in";

/** Where the sign-in page lives; the interaction's id follows. */
export const signInPath = "/sign-in/";

/** Names the cookie by which the provider knows a browser that has signed in; `.sig` follows for its signature. */
export const sessionCookie = "issuer_session";

/** One for all issuers of a process: making one takes longer than most tests. */
let signingKey: Promise<{ readonly privateKey: KeyObject }> | undefined;

/** What the provider reads anew at every request, so that a test may change it while the issuer runs. */
export interface ProviderSources {
  readonly findClient: (id: string) => AdapterPayload | undefined;
  readonly people: () => readonly Person[];
  /** The ID token to hand out in place of the one that the provider made. */
  readonly reshape: (idToken: string, key: KeyObject) => Promise<string>;
}

/** The certified provider, configured as a company's issuer: code flow, PKCE always, claims in the ID token. */
export async function createProvider(url: string, sources: ProviderSources): Promise<Provider> {
  signingKey ??= promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const { privateKey } = await signingKey;
  const configuration: Configuration = {
    adapter: createMemoryAdapter(sources.findClient),
    jwks: {
      keys: [{ ...privateKey.export({ format: "jwk" }), kty: "RSA", kid: keyId, use: "sig", alg: "RS256" }],
    },
    // Cookies ignore the port: names of its own keep them apart from the function's on the same loopback address.
    cookies: {
      keys: [randomBytes(32).toString("base64url")],
      names: { session: sessionCookie, interaction: "issuer_interaction", resume: "issuer_resume" },
    },
    clientAuthMethods: ["client_secret_basic", "client_secret_post"],
    pkce: { required: () => true },
    responseTypes: ["code"],
    scopes: ["openid", "groups"],
    claims: {
      openid: ["sub", "hd", "groups"],
      email: ["email", "email_verified"],
      profile: ["name"],
      groups: ["groups"],
    },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    interactions: { policy: createPolicy(), url: (_ctx, { uid }) => `${signInPath}${uid}` },
    ttl: {
      AccessToken: hour,
      AuthorizationCode: 60,
      IdToken: hour,
      Interaction: hour,
      Session: 24 * hour,
      Grant: 24 * hour,
    },
    clientBasedCORS: () => false,
    findAccount: (_ctx, subject) => {
      const person = sources.people().find((candidate) => candidate.subject === subject);
      return person && { accountId: subject, claims: () => claimsOf(person) };
    },
    loadExistingGrant: grantEverythingAsked,
    renderError: (ctx, out) => {
      ctx.type = "html";
      ctx.body = faultPage(`${out.error}: ${out.error_description ?? "no further detail"}`);
    },
  };
  const provider = new Provider(url, configuration);
  provider.use(async (ctx, next) => {
    await next();
    const body: unknown = ctx.body;
    if (typeof body === "object" && body !== null && "id_token" in body && typeof body.id_token === "string") {
      ctx.body = { ...body, id_token: await sources.reshape(body.id_token, privateKey) };
    }
  });
  return provider;
}

/** Company-wide consent, as an administrator gives it once: nobody is asked. */
async function grantEverythingAsked(ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { client, session, provider, requestParamOIDCScopes } = ctx.oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;

  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope([...requestParamOIDCScopes].join(" "));
  grant.addOIDCClaims([...ctx.oidc.requestParamClaims]);
  await grant.save();
  return grant;
}

/** The default policy, plus `prompt=select_account`, which clients of Google and Entra send. */
function createPolicy(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: "select_account", requestable: true }), 0);
  return policy;
}
