import { createPublicKey, generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";

import { SignJWT, createLocalJWKSet } from "jose";
import type { JSONWebKeySet, JWTHeaderParameters, JWTPayload, JWTVerifyGetKey } from "jose";

/** An issuer's signing key and everything that can be done with it, honestly or not. */
export interface TokenSmith {
  readonly jwks: JSONWebKeySet;
  readonly keys: JWTVerifyGetKey;
  readonly sign: (
    claims: JWTPayload,
    header?: Partial<JWTHeaderParameters>,
    key?: KeyObject | Uint8Array,
  ) => Promise<string>;
  /** With `alg: none` and no signature. */
  readonly leaveUnsigned: (claims: JWTPayload) => string;
  /** The public key as text, which HS256 would take for a shared secret. */
  readonly publicPem: Uint8Array;
  /** Of somebody else, under the same key id. */
  readonly strangersKey: KeyObject;
}

/** One stranger for all issuers of a process, made when first needed: that takes longer than most tests. */
let strangersKey: KeyObject | undefined;

export function createTokenSmith(kid = "key-1"): TokenSmith {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks: JSONWebKeySet = { keys: [{ ...publicKey.export({ format: "jwk" }), kty: "RSA", kid, use: "sig" }] };
  return {
    jwks,
    keys: createLocalJWKSet(jwks),
    sign: (claims, header = {}, key = privateKey) =>
      new SignJWT(claims).setProtectedHeader({ alg: "RS256", typ: "JWT", kid, ...header }).sign(key),
    leaveUnsigned: (claims) => `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`,
    publicPem: new TextEncoder().encode(createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString()),
    get strangersKey() {
      return (strangersKey ??= generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
    },
  };
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
