import type { Recipient } from "../../functions/contract/keys.ts";
import { isSecret, type PendingKey, PrivateJwk } from "./secret-vault.ts";

const curve = { name: "ECDH", namedCurve: "P-256" } as const;

/** A key pair for one create: the function seals the secret to `recipient`, only `privateKey` opens it. */
export async function createRecipient(): Promise<{
  readonly recipient: Recipient;
  readonly privateKey: PendingKey["privateKey"];
}> {
  const pair = await crypto.subtle.generateKey(curve, true, ["deriveBits"]);
  const privateKey = PrivateJwk.parse(await crypto.subtle.exportKey("jwk", pair.privateKey));
  const { kty, crv, x, y } = privateKey;
  return { recipient: { kty, crv, x, y }, privateKey };
}

/** The secret, or undefined when the text was not sealed to this key or holds no secret. */
export async function openSealed(sealed: string, privateKey: PendingKey["privateKey"]): Promise<string | undefined> {
  try {
    const key = await crypto.subtle.importKey("jwk", privateKey, curve, false, ["deriveBits"]);
    // A part of its own: only the making of a key needs it.
    const { unseal } = await import("./unseal.ts");
    const secret = await unseal(sealed, key);
    return isSecret(secret) ? secret : undefined;
  } catch {
    // Whatever jose says of a text that did not open, it must not end up in a log.
    return undefined;
  }
}
