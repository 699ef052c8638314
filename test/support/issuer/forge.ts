import type { KeyObject } from "node:crypto";

import { SignJWT, decodeJwt, decodeProtectedHeader } from "jose";
import type { JWTHeaderParameters, JWTPayload } from "jose";

/** What an honest issuer would hand out, and the means to hand out something else. */
export interface HonestToken {
  readonly claims: JWTPayload;
  readonly header: JWTHeaderParameters;
  /** Signs with the issuer's own key, or another. */
  readonly sign: (
    claims: JWTPayload,
    header?: Partial<JWTHeaderParameters>,
    key?: KeyObject | Uint8Array,
  ) => Promise<string>;
  readonly key: KeyObject;
}

/** The token in place of the honest one. */
export type Forge = (honest: HonestToken) => string | Promise<string>;

/** Moves an ID token to the issuer's clock and lets the forge have its way with it. */
export async function reshape(
  idToken: string,
  key: KeyObject,
  { skewSeconds, forge }: { skewSeconds: number; forge: Forge | undefined },
): Promise<string> {
  const { alg = "RS256", ...rest } = decodeProtectedHeader(idToken);
  const header = { ...rest, alg };
  const moved = decodeJwt(idToken);
  for (const name of ["iat", "exp", "auth_time"]) {
    const value = moved[name];
    if (typeof value === "number") moved[name] = value + skewSeconds;
  }
  const sign: HonestToken["sign"] = (claims, changes = {}, other = key) =>
    new SignJWT(claims).setProtectedHeader({ ...header, ...changes }).sign(other);
  return forge === undefined ? sign(moved) : forge({ claims: moved, header, sign, key });
}
