import type { JWTVerifyGetKey } from "jose";
import { createLocalJWKSet, errors } from "jose";

import { IssuerError } from "../../services/identity-issuer.ts";
import type { Keys } from "./discovery.ts";

/**
 * The issuer's key for a token. A key id that is not known may be a new key, so the issuer is asked again, but seldom;
 * `jku`, `x5u` and `jwk` in the token are never looked at.
 */
export function tokenKeys(keys: Keys): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await createLocalJWKSet(await keys.read())(header, token);
    } catch (error) {
      const renewed = error instanceof errors.JWKSNoMatchingKey ? await keys.renew() : undefined;
      if (renewed === undefined) throw error;
      return createLocalJWKSet(renewed)(header, token);
    }
  };
}

/** What jose threw, as a refusal that names the check and quotes nothing; errors of other origin are passed on. */
export function asRefusal(error: unknown): unknown {
  // Keys that are no keys, or too weak, are a TypeError of jose's.
  if (!(error instanceof errors.JOSEError) && !(error instanceof TypeError)) return error;
  const reason = error instanceof errors.JOSEError ? error.code : "ERR_KEY";
  const claim = error instanceof errors.JWTClaimValidationFailed ? ` (${error.claim})` : "";
  return new IssuerError("refused", `The token failed a check: ${reason}${claim}.`);
}
