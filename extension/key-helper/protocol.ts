import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * What the helper and a window say to each other: one line each way, then the connection ends.
 *
 *   helper: `key <nonce> <proof>`      window: `key <proof> <secret>`, `none <proof>` or `failed <proof>`
 *
 * A proof shows that its sender knows the token without telling it. On Windows the token stands in a file of the user's
 * profile, since everybody may open a pipe; elsewhere the socket's directory keeps others out and the token is empty.
 */
export interface Endpoint {
  /** What to connect to: the path of a socket, or the name of a pipe. */
  readonly address: string;
  readonly token: string;
}

export type Answer = { readonly kind: "key"; readonly secret: string } | { readonly kind: "none" | "failed" };

/** No line of the protocol is longer. */
export const maxLineLength = 1024;

/** A secret that can stand in a line and that a tool can send in a header. */
export function isSendable(secret: string): boolean {
  return /^[\x21-\x7e]{1,512}$/.test(secret);
}

export function writeRequest(endpoint: Endpoint, nonce: string): string {
  return `key ${nonce} ${proof(endpoint, "helper", nonce)}\n`;
}

/** The request's nonce; undefined when the line is no request or its sender does not know the token. */
export function readRequest(endpoint: Endpoint, line: string): string | undefined {
  const [word, nonce = "", given = "", ...rest] = line.split(" ");
  const isRequest = word === "key" && /^[0-9a-f]{32}$/.test(nonce) && rest.length === 0;
  return isRequest && isSame(given, proof(endpoint, "helper", nonce)) ? nonce : undefined;
}

export function writeAnswer(endpoint: Endpoint, nonce: string, answer: Answer): string {
  const head = `${answer.kind} ${proof(endpoint, "window", nonce)}`;
  return answer.kind === "key" ? `${head} ${answer.secret}\n` : `${head}\n`;
}

/** Undefined when the line is no answer, or comes from somebody who does not know the token. */
export function readAnswer(endpoint: Endpoint, nonce: string, line: string): Answer | undefined {
  const [word, given = "", secret, ...rest] = line.split(" ");
  if (rest.length > 0 || !isSame(given, proof(endpoint, "window", nonce))) return undefined;
  if (word === "key") return secret !== undefined && isSendable(secret) ? { kind: "key", secret } : undefined;
  return word === "none" || word === "failed" ? { kind: word } : undefined;
}

function proof(endpoint: Endpoint, sender: "helper" | "window", nonce: string): string {
  return createHmac("sha256", endpoint.token).update(`${sender} ${nonce}`).digest("hex");
}

function isSame(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
