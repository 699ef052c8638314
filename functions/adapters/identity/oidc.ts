import type { IssuerKind } from "../../policy/issuer-kind.ts";
import type { IdentityIssuer } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { sha256 } from "../../services/secrets.ts";
import { TokenAnswer } from "./answers.ts";
import { readCode, requireIssuer } from "./authorization-answer.ts";
import type { Discovery } from "./discovery.ts";
import { createIssuerDocuments } from "./discovery.ts";
import type { JsonAnswer } from "./fetch-json.ts";
import { fetchJson } from "./fetch-json.ts";
import { verifyIdToken } from "./id-token.ts";
import type { DocumentMeans } from "./issuer-document.ts";
import { tokenKeys } from "./token-keys.ts";

export interface OidcOptions extends DocumentMeans {
  readonly issuer: string;
  readonly provider: IssuerKind;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The function's own callback, registered with the issuer. */
  readonly redirectUri: string;
  /** Sent as a hint where exactly one domain is allowed, so that Google offers the right account. */
  readonly hostedDomain: string | undefined;
  /** Whether the settings look at groups: some issuers send them only when asked. */
  readonly wantsGroups: boolean;
}

/**
 * Any OpenID provider, as its confidential client: authorization code with PKCE, and an ID token that is checked in
 * every respect. Addresses come from the configured issuer's own discovery, never from a token or a browser.
 */
export function createOidcIssuer(options: OidcOptions): IdentityIssuer {
  const { discover, keys } = createIssuerDocuments(options, options);
  return {
    async authorizationUrl({ state, nonce, verifier, maxAgeSeconds }) {
      const { authorizationEndpoint, scopes } = await discover();
      const url = new URL(authorizationEndpoint);
      const parameters = {
        client_id: options.clientId,
        redirect_uri: options.redirectUri,
        response_type: "code",
        scope: `openid email profile${options.wantsGroups && scopes.includes("groups") ? " groups" : ""}`,
        state,
        nonce,
        code_challenge: await sha256(verifier),
        code_challenge_method: "S256",
        ...(options.hostedDomain === undefined ? {} : { hd: options.hostedDomain }),
        ...freshness(options.provider, maxAgeSeconds),
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.toString();
    },

    async redeem({ parameters, nonce, verifier }) {
      const discovery = await discover();
      requireIssuer(parameters, options.issuer, discovery.statesIssuer);
      const idToken = await exchange(options, discovery, readCode(parameters), verifier);
      return verifyIdToken(idToken, { ...options, nonce, keys: tokenKeys(keys) });
    },
  };
}

/**
 * `max_age` also makes the issuer say when it last asked (OpenID Connect Core 3.1.2.1). Google knows neither `max_age`
 * nor `prompt=login`; showing its list of accounts is the nearest.
 */
function freshness(provider: IssuerKind, maxAgeSeconds: number): Readonly<Record<string, string>> {
  if (provider === "google") return maxAgeSeconds === 0 ? { prompt: "select_account" } : {};
  return { max_age: String(maxAgeSeconds), ...(maxAgeSeconds === 0 ? { prompt: "login" } : {}) };
}

async function exchange(options: OidcOptions, discovery: Discovery, code: string, verifier: string): Promise<string> {
  const answer = await askForToken(options, discovery, code, verifier);
  if (answer.status !== 200)
    throw new IssuerError("refused", `The issuer refused the code with status ${answer.status}.`);
  const parsed = TokenAnswer.safeParse(answer.body);
  if (!parsed.success) throw new IssuerError("refused", "The issuer sent no ID token.");
  return parsed.data.id_token;
}

/** The token endpoint's answer, whatever it is. */
export function askForToken(
  options: Pick<OidcOptions, "fetch" | "clientId" | "clientSecret" | "redirectUri">,
  discovery: Discovery,
  code: string,
  verifier: string,
): Promise<JsonAnswer> {
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: options.redirectUri,
    code_verifier: verifier,
  });
  const headers: Record<string, string> = { "Content-Type": "application/x-www-form-urlencoded" };
  if (discovery.takesBasic) {
    // RFC 6749 2.3.1: both are form-encoded first, so that a colon or an umlaut survives.
    const pair = [options.clientId, options.clientSecret].map(formEncode).join(":");
    headers["Authorization"] = `Basic ${btoa(pair)}`;
  } else {
    form.set("client_id", options.clientId);
    form.set("client_secret", options.clientSecret);
  }
  return fetchJson(options.fetch, discovery.tokenEndpoint, { method: "POST", headers, body: form.toString() });
}

function formEncode(text: string): string {
  return new URLSearchParams({ text }).toString().slice("text=".length);
}
