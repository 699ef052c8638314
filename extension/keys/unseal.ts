import type { webcrypto } from "node:crypto";

import { compactDecrypt } from "jose";

/** Opens a compact JWE of exactly the kind that the function makes; throws on any other and on a wrong key. */
export async function unseal(sealed: string, privateKey: webcrypto.CryptoKey): Promise<string> {
  const { plaintext } = await compactDecrypt(sealed, privateKey, {
    keyManagementAlgorithms: ["ECDH-ES"],
    contentEncryptionAlgorithms: ["A256GCM"],
  });
  return new TextDecoder().decode(plaintext);
}
