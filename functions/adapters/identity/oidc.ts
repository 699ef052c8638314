import type { Clock } from "../../services/deps.ts";
import type { IdentityIssuer } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { sha256 } from "../../services/secrets.ts";
import type { Discovery } from "./discovery.ts";
import { createDiscovery } from "./discovery.ts";
import { fetchJson } from "./fetch-json.ts";
import { TokenAnswer } from "./answers.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The function's own callback, registered with the issuer. */
  readonly redirectUri: string;
  /** Sent as a hint where exactly one domain is allowed, so that Google offers the right account. */
  readonly hostedDomain: string | undefined;
  readonly clock: Clock;
}

/**
 * Any OpenID provider, as its confidential client: authorization code with PKCE, and an ID token that is checked in
 * every respect. Addresses come from the configured issuer's own discovery, never from a token or a browser.
 */
export function createOidcIssuer(options: OidcOptions): IdentityIssuer {
  const discover = createDiscovery(options.issuer, options.clock);

  return {
    async authorizationUrl({ state, nonce, verifier }) {
      const discovery = await discover();
      const url = new URL(discovery.authorizationEndpoint);
      const parameters = {
        client_id: options.clientId,
        redirect_uri: options.redirectUri,
        response_type: "code",
        scope: "openid email profile",
        state,
        nonce,
        code_challenge: await sha256(verifier),
        code_challenge_method: "S256",
        ...(options.hostedDomain === undefined ? {} : { hd: options.hostedDomain }),
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.toString();
    },

    async redeem({ parameters, nonce, verifier }) {
      const discovery = await discover();
      const code = readCode(discovery, options.issuer, parameters);
      const idToken = await exchange(options, discovery, code, verifier);
      // Loaded here: only a sign-in needs it, not a start.
      const { verifyIdToken } = await import("./id-token.ts");
      return verifyIdToken(idToken, { ...options, nonce, keys: discovery.keys });
    },
  };
}

/** The code in what the browser brought back (RFC 6749 4.1.2, RFC 9207). */
function readCode(discovery: Discovery, issuer: string, parameters: URLSearchParams): string {
  const stated = parameters.get("iss");
  // An answer of another issuer is refused even as an error: it was not this one that spoke (mix-up).
  if (stated === null ? discovery.statesIssuer : stated !== issuer) {
    throw new IssuerError("refused", "The answer does not come from the configured issuer.");
  }
  const error = parameters.get("error");
  if (error === "access_denied") throw new IssuerError("cancelled", "The person or the issuer denied access.");
  if (error !== null) throw new IssuerError("refused", "The issuer answered with an error.");
  const codes = parameters.getAll("code");
  const [code] = codes;
  if (code === undefined || code === "" || codes.length !== 1) {
    throw new IssuerError("refused", "The issuer answered without a code.");
  }
  return code;
}

async function exchange(options: OidcOptions, discovery: Discovery, code: string, verifier: string): Promise<string> {
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
  const answer = await fetchJson(discovery.tokenEndpoint, { method: "POST", headers, body: form.toString() });
  if (answer.status !== 200)
    throw new IssuerError("refused", `The issuer refused the code with status ${answer.status}.`);
  const parsed = TokenAnswer.safeParse(answer.body);
  if (!parsed.success) throw new IssuerError("refused", "The issuer sent no ID token.");
  return parsed.data.id_token;
}

function formEncode(text: string): string {
  return new URLSearchParams({ text }).toString().slice("text=".length);
}
