import { jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";

import type { Clock } from "../../services/deps.ts";
import type { Identity } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { AccessTokenClaims } from "./answers.ts";
import { isEmailVerified, isGuest, readGroups, readObjectId, requireTenant } from "./entra-account.ts";
import { asRefusal } from "./token-keys.ts";

export interface AccessTokenChecks {
  /** The tenant's own, version 2. */
  readonly issuer: string;
  readonly tenantId: string;
  /** The application id of the function's own API. */
  readonly audience: string;
  /** The public clients that may ask for such tokens. */
  readonly clientIds: readonly string[];
  readonly clock: Clock;
  readonly keys: JWTVerifyGetKey;
}

/** The permission that the function's API offers; a token without it was made for something else. */
const scope = "access";
const toleranceSeconds = 60;

/**
 * Checks an Entra access token: signed by the tenant's key with RS256, made by this tenant for the function's own API,
 * valid just now, asked for by a person in a client that we know. A token for Graph or any other API is refused, or
 * every program that holds one could sign in as its owner. That the person is no guest is decided with the rest about
 * people, in policy.
 */
export async function verifyAccessToken(
  accessToken: string,
  checks: AccessTokenChecks,
): Promise<{ identity: Identity; expiresAt: number }> {
  const parsed = AccessTokenClaims.safeParse(await verifySignature(accessToken, checks));
  if (!parsed.success) throw new IssuerError("refused", "The access token's claims are not as they should be.");
  const claims = parsed.data;
  requireTenant(claims, checks.tenantId);
  if (claims.idtyp === "app") throw new IssuerError("refused", "The access token is a program's, not a person's.");
  if (claims.scp?.split(" ").includes(scope) !== true) {
    throw new IssuerError("refused", "The access token does not carry the permission of the function's API.");
  }
  if (claims.azp === undefined || !checks.clientIds.includes(claims.azp)) {
    throw new IssuerError("refused", "The access token was issued to another client.");
  }
  return {
    identity: {
      provider: "entra",
      issuer: checks.issuer,
      subject: readObjectId(claims),
      email: claims.email,
      emailVerified: isEmailVerified(claims),
      hostedDomain: undefined,
      isGuest: isGuest(claims, checks.issuer, checks.tenantId),
      groups: readGroups(claims.groups),
      // Tokens are renewed silently, so the time of issue says nothing of the person. Unknown is not fresh.
      authTime: (claims.auth_time ?? 0) * 1000,
    },
    expiresAt: (claims.exp + toleranceSeconds) * 1000,
  };
}

async function verifySignature(accessToken: string, checks: AccessTokenChecks): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(accessToken, checks.keys, {
      algorithms: ["RS256"],
      issuer: checks.issuer,
      audience: checks.audience,
      requiredClaims: ["exp", "iat"],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(checks.clock()),
    });
    return payload;
  } catch (error) {
    throw asRefusal(error);
  }
}
