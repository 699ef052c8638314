import type { JSONWebKeySet } from "jose";

import { isLoopbackAddress, isSafeAddress } from "../../policy/address.ts";
import type { Clock } from "../../services/deps.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { DiscoveryAnswer } from "./answers.ts";
import { fetchJson } from "./fetch-json.ts";

export interface Discovery {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** Whether the client authenticates in the header; else in the form. */
  readonly takesBasic: boolean;
  /** Whether every answer to the browser names the issuer (RFC 9207). */
  readonly statesIssuer: boolean;
  /** The issuer's signing keys, fetched when asked for: the caller decides how long to keep them. */
  readonly keys: () => Promise<JSONWebKeySet>;
}

const freshMs = 24 * 3_600_000;

/** The issuer's own description of itself, fetched once a day. Throws IssuerError "unavailable". */
export function createDiscovery(issuer: string, clock: Clock): () => Promise<Discovery> {
  let known: { discovery: Discovery; until: number } | undefined;
  return async () => {
    if (known !== undefined && known.until > clock()) return known.discovery;
    const discovery = await discover(issuer);
    known = { discovery, until: clock() + freshMs };
    return discovery;
  };
}

async function discover(issuer: string): Promise<Discovery> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const { status, body } = await fetchJson(url, { method: "GET" });
  const answer = DiscoveryAnswer.safeParse(body);
  // Compared exactly: a description that names another issuer is not this issuer's.
  if (status !== 200 || !answer.success || answer.data.issuer !== issuer) {
    throw new IssuerError("unavailable", "The issuer does not describe itself as OIDC_ISSUER names it.");
  }
  const { authorization_endpoint, token_endpoint, jwks_uri, ...rest } = answer.data;
  const mayUseHttp = isLoopbackAddress(issuer);
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri]) {
    if (!isSafeAddress(endpoint) || (isLoopbackAddress(endpoint) && !mayUseHttp)) {
      throw new IssuerError("unavailable", "The issuer names an address that is not https.");
    }
  }
  return {
    authorizationEndpoint: authorization_endpoint,
    tokenEndpoint: token_endpoint,
    takesBasic: rest.token_endpoint_auth_methods_supported?.includes("client_secret_basic") ?? true,
    statesIssuer: rest.authorization_response_iss_parameter_supported ?? false,
    keys: async () => {
      const { body: keySet } = await fetchJson(jwks_uri, { method: "GET" });
      return toKeySet(keySet);
    },
  };
}

/** jose checks each key when it is used; here only that there is a list. */
function toKeySet(body: unknown): JSONWebKeySet {
  if (typeof body === "object" && body !== null && "keys" in body && Array.isArray(body.keys))
    return { keys: body.keys };
  throw new IssuerError("unavailable", "The issuer's keys are not a key set.");
}
