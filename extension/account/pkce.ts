import { createHash, randomBytes } from "node:crypto";

/** What proves to the function that the editor that began a sign-in is the one that ends it (RFC 7636). */
export interface Proof {
  /** 43 characters, 256 bits. Stays here until the one-time code is traded in. */
  readonly verifier: string;
  /** S256 of the verifier; goes through the browser. */
  readonly challenge: string;
  /** 256 bits; a callback without it is somebody else's. */
  readonly state: string;
}

export function createProof(): Proof {
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  return { verifier, challenge, state: randomBytes(32).toString("base64url") };
}
