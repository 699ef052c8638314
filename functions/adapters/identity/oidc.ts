import * as oauth from "oauth4webapi";
import * as z from "zod/mini";

import { isLoopbackAddress } from "../../policy/address.ts";
import type { Clock } from "../../services/deps.ts";
import type { Identity, IdentityIssuer } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";

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

const discoveryMs = 24 * 3_600_000;
const timeoutMs = 10_000;
const toleranceSeconds = 60;
/** An ID token that is older than this was not made for the sign-in under way. */
const oldestTokenSeconds = 600;

const Claims = z.object({
  email: z.optional(z.string()),
  email_verified: z.optional(z.union([z.boolean(), z.enum(["true", "false"])])),
  hd: z.optional(z.string()),
  groups: z.catch(z.array(z.string()), []),
});

/**
 * Any OpenID provider, as its confidential client: authorization code with PKCE, and an ID token whose signature,
 * issuer, audience, authorised party, nonce and times are checked. Addresses come from the configured issuer's own
 * discovery, never from a token.
 */
export function createOidcIssuer(options: OidcOptions): IdentityIssuer {
  const request = () => ({
    // http is accepted for an issuer on this machine only; the settings allow no other.
    [oauth.allowInsecureRequests]: isLoopbackAddress(options.issuer),
    signal: AbortSignal.timeout(timeoutMs),
  });
  let known: { server: oauth.AuthorizationServer; until: number } | undefined;

  async function discover(): Promise<oauth.AuthorizationServer> {
    if (known !== undefined && known.until > options.clock()) return known.server;
    const issuer = new URL(options.issuer);
    const response = await oauth.discoveryRequest(issuer, request());
    const server = await oauth.processDiscoveryResponse(issuer, response);
    known = { server, until: options.clock() + discoveryMs };
    return server;
  }

  function client(): oauth.Client {
    return {
      client_id: options.clientId,
      id_token_signed_response_alg: "RS256",
      [oauth.clockTolerance]: toleranceSeconds,
      [oauth.clockSkew]: Math.round((options.clock() - Date.now()) / 1000),
    };
  }

  return {
    async authorizationUrl({ state, nonce, verifier }) {
      try {
        const { authorization_endpoint: endpoint } = await discover();
        if (endpoint === undefined) throw new IssuerError("unavailable", "The issuer names no authorization endpoint.");
        const url = new URL(endpoint);
        const parameters = {
          client_id: options.clientId,
          redirect_uri: options.redirectUri,
          response_type: "code",
          scope: "openid email profile",
          state,
          nonce,
          code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
          ...(options.hostedDomain === undefined ? {} : { hd: options.hostedDomain }),
        };
        for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
        return url.toString();
      } catch (error) {
        throw asIssuerError(error);
      }
    },

    async redeem({ parameters, state, nonce, verifier }) {
      try {
        const server = await discover();
        const answer = oauth.validateAuthResponse(server, client(), parameters, state);
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client(),
          clientAuthentication(server, options.clientSecret),
          answer,
          options.redirectUri,
          verifier,
          request(),
        );
        const tokens = await oauth.processAuthorizationCodeResponse(server, client(), response, {
          expectedNonce: nonce,
          requireIdToken: true,
        });
        await oauth.validateApplicationLevelSignature(server, response, request());
        return toIdentity(options, oauth.getValidatedIdTokenClaims(tokens));
      } catch (error) {
        throw asIssuerError(error);
      }
    },
  };
}

function clientAuthentication(server: oauth.AuthorizationServer, secret: string): oauth.ClientAuth {
  const methods = server.token_endpoint_auth_methods_supported;
  return methods !== undefined && !methods.includes("client_secret_basic")
    ? oauth.ClientSecretPost(secret)
    : oauth.ClientSecretBasic(secret);
}

function toIdentity(options: OidcOptions, claims: oauth.IDToken | undefined): Identity {
  if (claims === undefined) throw new IssuerError("refused", "The issuer sent no ID token.");
  if (claims.azp !== undefined && claims.azp !== options.clientId) {
    throw new IssuerError("refused", "The ID token was issued to another client.");
  }
  const now = options.clock() / 1000;
  if (claims.iat > now + toleranceSeconds || claims.iat < now - oldestTokenSeconds) {
    throw new IssuerError("refused", "The ID token was not issued just now.");
  }
  const extra = Claims.parse(claims);
  return {
    issuer: claims.iss,
    subject: claims.sub,
    email: extra.email,
    emailVerified: extra.email_verified === true || extra.email_verified === "true",
    hostedDomain: extra.hd,
    groups: extra.groups,
    authTime: (claims.auth_time ?? claims.iat) * 1000,
  };
}

function asIssuerError(error: unknown): IssuerError {
  if (error instanceof IssuerError) return error;
  if (error instanceof oauth.AuthorizationResponseError) {
    return error.error === "access_denied"
      ? new IssuerError("cancelled", "The person or the issuer denied access.")
      : new IssuerError("refused", `The issuer answered with the error ${error.error}.`);
  }
  if (error instanceof oauth.ResponseBodyError) {
    return error.status >= 500
      ? new IssuerError("unavailable", `The issuer answered with ${error.status}.`)
      : new IssuerError("refused", `The issuer refused the code: ${error.error}.`);
  }
  // Network faults and time-outs, and answers that are not what OpenID Connect prescribes, such as a proxy's page.
  const code = error instanceof oauth.OperationProcessingError ? error.code : undefined;
  const isAway =
    !(error instanceof oauth.OperationProcessingError) ||
    code === oauth.RESPONSE_IS_NOT_JSON ||
    code === oauth.RESPONSE_IS_NOT_CONFORM ||
    code === oauth.PARSE_ERROR ||
    code === oauth.HTTP_REQUEST_FORBIDDEN;
  return isAway
    ? new IssuerError("unavailable", "The issuer did not answer as an OpenID provider does.", error)
    : new IssuerError("refused", `The ID token or the answer failed a check: ${code ?? "unknown"}.`);
}
