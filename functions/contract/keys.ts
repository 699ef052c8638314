import * as z from "zod/mini";

import { Reset } from "./account.ts";
import { Time } from "./time.ts";

/** `gone`: OpenRouter no longer has the key. `retiring`: rotated, still working until its grace ends. */
export const keyStates = ["active", "disabled", "retiring", "revoked", "expired", "gone"] as const;
export type KeyState = (typeof keyStates)[number];

/** The longest name of a key, in Unicode code points. */
export const longestKeyName = 100;

/**
 * Control characters, line breaks, bidirectional overrides and lone surrogates: what would break a row of a tree,
 * a CSV or a terminal, or make a name read as another. Emoji and every script are fine.
 */
const unprintable = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** What is wrong with a key's name, as a sentence for the person who typed it; undefined when nothing is. */
export function keyNameFault(name: string): string | undefined {
  const length = [...name.trim()].length;
  if (length === 0) return "Give the key a name, for example the machine it is for.";
  if (length > longestKeyName) return `The name has ${length} characters; at most ${longestKeyName} fit.`;
  if (unprintable.test(name.trim())) return "The name contains a line break or a control character; leave it out.";
  return undefined;
}

/** A P-256 public key (RFC 7517) to which the secret is sealed. A private part is refused, not ignored. */
export const Recipient = z.strictObject({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
  y: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
});
export type Recipient = z.infer<typeof Recipient>;

/** Header that makes a create repeatable: a UUID, kept by the client until it has the secret. */
export const idempotencyHeader = "Idempotency-Key";

/**
 * Spend in US dollars. `windowUsd` counts since the last reset, `remainingUsd` may be negative (requests under way
 * finish), `resetsAt` is the next reset.
 */
export const Spend = z.object({
  windowUsd: z.number(),
  remainingUsd: z.nullable(z.number()),
  resetsAt: z.nullable(Time),
  dayUsd: z.number(),
  weekUsd: z.number(),
  monthUsd: z.number(),
});
export type Spend = z.infer<typeof Spend>;

/** A key as its owner sees it. `label` is OpenRouter's masked form of the secret; opaque, not unique. */
export const Key = z.object({
  id: z.string(),
  name: z.string(),
  label: z.string(),
  /** A state this client does not know yet reads as "unknown" instead of failing the whole list. */
  state: z.pipe(
    z.string(),
    z.transform((state: string): KeyState | "unknown" => keyStates.find((known) => known === state) ?? "unknown"),
  ),
  limitUsd: z.number(),
  reset: Reset,
  createdAt: Time,
  expiresAt: Time,
  spend: z.nullable(Spend),
});
export type Key = z.infer<typeof Key>;

/** `spendComplete` is false when OpenRouter could not be asked about every key; those have `spend: null`. */
export const KeysAnswer = z.object({
  keys: z.array(Key),
  spendAsOf: Time,
  spendComplete: z.boolean(),
});
export type KeysAnswer = z.infer<typeof KeysAnswer>;

/** `sealedSecret` is a compact JWE (ECDH-ES, A256GCM); absent once received or after 24 hours. */
export const CreateKeyAnswer = z.object({ key: Key, sealedSecret: z.optional(z.string()) });
export type CreateKeyAnswer = z.infer<typeof CreateKeyAnswer>;

/** `retiring`: the key that was replaced, and when it ends or has ended. */
export const RotateKeyAnswer = z.extend(CreateKeyAnswer, { retiring: z.object({ id: z.string(), at: Time }) });
export type RotateKeyAnswer = z.infer<typeof RotateKeyAnswer>;
