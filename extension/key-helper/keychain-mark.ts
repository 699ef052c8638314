import { createHash } from "node:crypto";

// What stands in the file of the person's consent to a copy of the key in the system's keychain, which both the helper and
// the windows read. No secret is in it.

/** Programs that belong to the system, or to its keychain, and give a secret back on their standard output. */
export type KeychainProgram = "secret-tool" | "security";

export interface KeychainMark {
  readonly kind: KeychainProgram;
  /** Absolute. */
  readonly program: string;
  /** Tells the copies of several editors of one person apart. */
  readonly account: string;
  /** The hash of the key whose copy may be given; empty while there is no copy, `-` while there may be one of before. */
  readonly hash: string;
}

export const service = "openrouter-keys";

export function writeMark({ kind, program, account, hash }: KeychainMark): string {
  return `${[kind, program, account, hash].join("\n")}\n`;
}

export function readMark(text: string): KeychainMark | undefined {
  const [kind, program = "", account = "", hash = ""] = text.split("\n");
  if (kind !== "secret-tool" && kind !== "security") return undefined;
  const isWhole = program.startsWith("/") && /^[0-9a-f]{16}$/.test(account) && /^(?:-|[0-9a-f]{64})?$/.test(hash);
  return isWhole ? { kind, program, account, hash } : undefined;
}

/** What makes the keychain's program print the copy. */
export function lookUp({ kind, account }: Pick<KeychainMark, "kind" | "account">): readonly string[] {
  return kind === "security"
    ? ["find-generic-password", "-s", service, "-a", account, "-w"]
    : ["lookup", "service", service, "account", account];
}

export function hashOfKey(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
