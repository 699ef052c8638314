import * as z from "zod/mini";

import { Recipient, keyNameFault } from "./keys.ts";
import { remarkFault } from "./raises.ts";
import { Time } from "./time.ts";

/*
 * What the function accepts. Apart from the answers, because the extension only reads those and would otherwise carry
 * every schema here in its bundle. Strict: a field that is not known is refused, never ignored.
 */

/** `codeVerifier`: RFC 7636, 43 to 128 unreserved characters. */
export const TokenRequest = z.strictObject({
  code: z.string().check(z.minLength(1), z.maxLength(200)),
  codeVerifier: z.string().check(z.regex(/^[A-Za-z0-9._~-]{43,128}$/)),
});
export type TokenRequest = z.infer<typeof TokenRequest>;

/** An access token of Entra for the function's own API: a compact JWT. */
export const EntraTokenRequest = z.strictObject({
  accessToken: z.string().check(z.maxLength(15_000), z.regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)),
});
export type EntraTokenRequest = z.infer<typeof EntraTokenRequest>;

/**
 * Two accounts came with one e-mail. `merge`: they are one person. `refuse`: the one that came has no right to it.
 * `separate`: two people, and the e-mail is now that of the one that came.
 */
export const IdentityDecision = z.strictObject({ decision: z.enum(["merge", "refuse", "separate"]) });
export type IdentityDecision = z.infer<typeof IdentityDecision>;

/** Trimmed on the way in, so that every comparison sees one form. */
export const KeyName = z.pipe(
  z.string().check(
    z.superRefine((name, context) => {
      const fault = keyNameFault(name);
      if (fault !== undefined) context.addIssue({ code: "custom", message: fault, input: name });
    }),
  ),
  z.transform((name: string) => name.trim()),
);

/** US dollars, whole cents, more than zero. OpenRouter's own field has no documented minimum; ours does. */
export const Usd = z.number().check(
  z.gte(0.01),
  z.lte(1_000_000),
  z.refine((usd) => Math.abs(usd * 100 - Math.round(usd * 100)) < 1e-6, { error: "Use whole cents." }),
);

/** `limitUsd` defaults to the plan's `defaultKeyUsd`, `expiresAt` to the plan's longest lifetime from now. */
export const CreateKeyRequest = z.strictObject({
  name: KeyName,
  limitUsd: z.optional(Usd),
  expiresAt: z.optional(Time),
  recipient: Recipient,
});
export type CreateKeyRequest = z.infer<typeof CreateKeyRequest>;

export const PatchKeyRequest = z.strictObject({ name: z.optional(KeyName), disabled: z.optional(z.boolean()) }).check(
  z.refine((patch) => patch.name !== undefined || patch.disabled !== undefined, {
    error: "Say what to change: name or disabled.",
  }),
);
export type PatchKeyRequest = z.infer<typeof PatchKeyRequest>;

/** `graceSeconds`: how long the old key goes on working, at most a week; an hour unless told. */
export const RotateKeyRequest = z.strictObject({
  recipient: Recipient,
  graceSeconds: z.optional(z.int().check(z.gte(0), z.lte(7 * 24 * 3_600))),
});
export type RotateKeyRequest = z.infer<typeof RotateKeyRequest>;

/** Text that one person writes for another to read. */
const Remark = z.pipe(
  z.string().check(
    z.superRefine((text, context) => {
      const fault = remarkFault(text);
      if (fault !== undefined) context.addIssue({ code: "custom", message: fault, input: text });
    }),
  ),
  z.transform((text: string) => text.trim()),
);

/** More on one's own key, until a time. */
export const RaiseRequest = z.strictObject({
  keyId: z.uuid(),
  limitUsd: Usd,
  until: Time,
  reason: Remark,
});
export type RaiseRequest = z.infer<typeof RaiseRequest>;

export const DecideRaiseRequest = z.strictObject({
  decision: z.enum(["approve", "refuse"]),
  note: z.optional(Remark),
});
export type DecideRaiseRequest = z.infer<typeof DecideRaiseRequest>;

/** Names the list that is approved: nobody approves one that they have not seen. */
export const ApproveRunRequest = z.strictObject({ candidatesHash: z.string().check(z.minLength(1), z.maxLength(200)) });
export type ApproveRunRequest = z.infer<typeof ApproveRunRequest>;

export const IdempotencyKey = z.uuid();
