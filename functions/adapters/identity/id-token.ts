import { jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";

import type { IssuerKind } from "../../policy/issuer-kind.ts";
import { entraTenant } from "../../policy/issuer-kind.ts";
import type { Clock } from "../../services/deps.ts";
import type { Identity } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { IdTokenClaims } from "./answers.ts";
import { isEmailVerified, isGuest, readGroups, readObjectId, requireTenant } from "./entra-account.ts";
import { asRefusal } from "./token-keys.ts";

export interface IdTokenChecks {
  readonly issuer: string;
  readonly provider: IssuerKind;
  readonly clientId: string;
  readonly nonce: string;
  readonly clock: Clock;
  readonly keys: JWTVerifyGetKey;
}

/**
 * Checks an ID token and says who it is about: signed with RS256 by one of the issuer's keys, made by this issuer for
 * this client, for this very sign-in, and just now. Every option below is one that jose does not check by itself.
 */
export async function verifyIdToken(idToken: string, checks: IdTokenChecks): Promise<Identity> {
  const claims = readClaims(await verifySignature(idToken, checks));
  if (claims.nonce !== checks.nonce) throw new IssuerError("refused", "The ID token is not for this sign-in.");
  if (claims.azp !== undefined && claims.azp !== checks.clientId) {
    throw new IssuerError("refused", "The ID token was issued to another client.");
  }
  if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims.azp === undefined) {
    throw new IssuerError("refused", "The ID token is for several clients and does not say which it was issued to.");
  }
  return checks.provider === "entra" ? entraIdentity(claims, checks) : standardIdentity(claims, checks);
}

async function verifySignature(idToken: string, checks: IdTokenChecks): Promise<JWTPayload> {
  try {
    const { payload, protectedHeader } = await jwtVerify(idToken, checks.keys, {
      // Google writes either form.
      issuer: checks.provider === "google" ? [checks.issuer, "accounts.google.com"] : checks.issuer,
      audience: checks.clientId,
      algorithms: ["RS256"],
      requiredClaims: ["exp", "iat", "sub"],
      maxTokenAge: "10m",
      clockTolerance: 60,
      currentDate: new Date(checks.clock()),
    });
    // Of an issuer that marks its access tokens, those are no proof of a sign-in.
    if (protectedHeader.typ !== undefined && protectedHeader.typ.toUpperCase() !== "JWT") {
      throw new IssuerError("refused", "The token is no ID token.");
    }
    return payload;
  } catch (error) {
    throw asRefusal(error);
  }
}

function readClaims(payload: JWTPayload): IdTokenClaims {
  const claims = IdTokenClaims.safeParse(payload);
  if (!claims.success) throw new IssuerError("refused", "The ID token's claims are not as they should be.");
  return claims.data;
}

function standardIdentity(claims: IdTokenClaims, { issuer, provider }: IdTokenChecks): Identity {
  const verified = claims.email_verified;
  return {
    provider,
    issuer,
    subject: claims.sub,
    email: claims.email,
    emailVerified: verified === undefined ? undefined : verified === true || verified === "true",
    hostedDomain: claims.hd,
    isGuest: false,
    groups: readGroups(claims.groups),
    authTime: (claims.auth_time ?? claims.iat) * 1000,
  };
}

function entraIdentity(claims: IdTokenClaims, { issuer, provider }: IdTokenChecks): Identity {
  const tenantId = entraTenant(issuer);
  if (tenantId === undefined) throw new IssuerError("refused", "The issuer is not one tenant.");
  requireTenant(claims, tenantId);
  return {
    provider,
    issuer,
    subject: readObjectId(claims),
    email: claims.email,
    emailVerified: isEmailVerified(claims),
    hostedDomain: undefined,
    isGuest: isGuest(claims, issuer, tenantId),
    groups: readGroups(claims.groups),
    authTime: (claims.auth_time ?? claims.iat) * 1000,
  };
}
