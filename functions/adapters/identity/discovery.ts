import type { JSONWebKeySet } from "jose";

import { isLoopbackAddress, isSafeAddress } from "../../policy/address.ts";
import type { IssuerKind } from "../../policy/issuer-kind.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { DiscoveryAnswer } from "./answers.ts";
import type { DocumentMeans, IssuerDocument } from "./issuer-document.ts";
import { createIssuerDocument } from "./issuer-document.ts";

export interface Discovery {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly keysUrl: string;
  /** Whether the client authenticates in the header; else in the form. */
  readonly takesBasic: boolean;
  /** Whether every answer to the browser names the issuer (RFC 9207). */
  readonly statesIssuer: boolean;
  readonly scopes: readonly string[];
}

/** The issuer's signing keys. */
export type Keys = IssuerDocument<JSONWebKeySet>;

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export interface IssuerDocuments {
  /** Throws IssuerError "unavailable". */
  readonly discover: () => Promise<Discovery>;
  readonly keys: Keys;
}

/**
 * What the issuer says of itself, for a day, and its keys: 10 minutes fresh, and up to a day old while the issuer does
 * not answer. Every address comes from the configured issuer's own description, never from a token or a browser.
 */
export function createIssuerDocuments(
  means: DocumentMeans,
  { issuer, provider }: { issuer: string; provider: IssuerKind },
): IssuerDocuments {
  const description = createIssuerDocument(means, {
    url: `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`,
    parse: (body) => readDescription(body, issuer, provider),
    freshMs: dayMs,
    staleMs: dayMs,
  });
  let keySet: { readonly url: string; readonly document: Keys } | undefined;
  async function currentKeys(): Promise<Keys> {
    const { keysUrl: url } = await description.read();
    if (keySet?.url !== url) {
      const options = { url, parse: readKeySet, freshMs: 10 * minuteMs, staleMs: dayMs };
      keySet = { url, document: createIssuerDocument(means, options) };
    }
    return keySet.document;
  }
  return {
    discover: description.read,
    keys: {
      read: async () => (await currentKeys()).read(),
      renew: async () => (await currentKeys()).renew(),
    },
  };
}

function readDescription(body: unknown, issuer: string, provider: IssuerKind): Discovery {
  const answer = DiscoveryAnswer.safeParse(body);
  // Compared exactly: a description that names another issuer is not this issuer's.
  if (!answer.success || answer.data.issuer !== issuer) {
    throw new IssuerError("unavailable", "The issuer does not describe itself as it is named in the settings.");
  }
  const { authorization_endpoint, token_endpoint, jwks_uri, ...rest } = answer.data;
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri]) {
    if (!isOfIssuer(endpoint, issuer, provider)) {
      throw new IssuerError("unavailable", "The issuer names an address that is not https or not its own.");
    }
  }
  return {
    authorizationEndpoint: authorization_endpoint,
    tokenEndpoint: token_endpoint,
    keysUrl: jwks_uri,
    takesBasic: rest.token_endpoint_auth_methods_supported?.includes("client_secret_basic") ?? true,
    statesIssuer: rest.authorization_response_iss_parameter_supported ?? false,
    scopes: rest.scopes_supported ?? [],
  };
}

/**
 * Entra and Okta keep to their own host, Google to its own and `googleapis.com`. Others may spread over hosts that no
 * list knows (a company's login page apart from its API), so there https has to do.
 */
function isOfIssuer(endpoint: string, issuer: string, provider: IssuerKind): boolean {
  if (isLoopbackAddress(endpoint)) return isLoopbackAddress(issuer);
  if (!isSafeAddress(endpoint)) return false;
  const { host } = new URL(endpoint);
  if (provider === "other" || host === new URL(issuer).host) return true;
  return provider === "google" && host.endsWith(".googleapis.com");
}

/** jose checks each key when it is used; here only that there is a list. */
function readKeySet(body: unknown): JSONWebKeySet {
  if (typeof body === "object" && body !== null && "keys" in body && Array.isArray(body.keys))
    return { keys: body.keys };
  throw new IssuerError("unavailable", "The issuer's keys are not a key set.");
}
