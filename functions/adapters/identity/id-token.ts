import { createLocalJWKSet, errors, jwtVerify } from "jose";
import type { JSONWebKeySet } from "jose";

import type { Clock } from "../../services/deps.ts";
import type { Identity } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { IdTokenClaims } from "./answers.ts";

export interface IdTokenChecks {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly clock: Clock;
  readonly keys: () => Promise<JSONWebKeySet>;
}

/**
 * Checks an ID token and says who it is about: signed with RS256 by one of the issuer's keys, made by this issuer for
 * this client, for this very sign-in, and just now. Every option below is one that jose does not check by itself.
 */
export async function verifyIdToken(idToken: string, checks: IdTokenChecks): Promise<Identity> {
  const keys = createLocalJWKSet(await checks.keys());
  let claims: IdTokenClaims;
  try {
    const { payload } = await jwtVerify(idToken, keys, {
      issuer: checks.issuer,
      audience: checks.clientId,
      algorithms: ["RS256"],
      requiredClaims: ["exp", "iat", "sub"],
      maxTokenAge: "10m",
      clockTolerance: 60,
      currentDate: new Date(checks.clock()),
    });
    claims = IdTokenClaims.parse(payload);
  } catch (error) {
    const reason = error instanceof errors.JOSEError ? error.code : "its claims are not as they should be";
    throw new IssuerError("refused", `The ID token failed a check: ${reason}.`);
  }
  if (claims.nonce !== checks.nonce) throw new IssuerError("refused", "The ID token is not for this sign-in.");
  if (claims.azp !== undefined && claims.azp !== checks.clientId) {
    throw new IssuerError("refused", "The ID token was issued to another client.");
  }
  const groups = Array.isArray(claims.groups) ? claims.groups : [];
  return {
    issuer: claims.iss,
    subject: claims.sub,
    email: claims.email,
    emailVerified: claims.email_verified === true || claims.email_verified === "true",
    hostedDomain: claims.hd,
    groups: groups.filter((group) => typeof group === "string"),
    authTime: (claims.auth_time ?? claims.iat) * 1000,
  };
}
