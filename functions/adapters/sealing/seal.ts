import { CompactEncrypt, importJWK } from "jose";

import type { PrepareSeal } from "../../services/deps.ts";

/** ECDH-ES to the recipient's P-256 key, A256GCM: only whoever holds the private part can read the secret. */
export const prepareSeal: PrepareSeal = async (recipient) => {
  const key = await importJWK({ ...recipient }, "ECDH-ES");
  return (secret) =>
    new CompactEncrypt(new TextEncoder().encode(secret))
      .setProtectedHeader({ alg: "ECDH-ES", enc: "A256GCM" })
      .encrypt(key);
};
