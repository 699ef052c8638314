import * as z from "zod/mini";

import { Time } from "./time.ts";

/** `id` is the function's own id of the owner; `label` is what people recognise, the e-mail. */
export const Account = z.object({ id: z.string(), label: z.string() });
export type Account = z.infer<typeof Account>;

export const TokenAnswer = z.object({
  sessionToken: z.string().check(z.regex(/^ors_[A-Za-z0-9_-]{43}$/)),
  expiresAt: Time,
  account: Account,
  isAdmin: z.boolean(),
});
export type TokenAnswer = z.infer<typeof TokenAnswer>;

/** The window after which OpenRouter counts a key's spend from zero again: at 00:00 UTC, weeks from Monday. */
export const Reset = z.enum(["daily", "weekly", "monthly"]);
export type Reset = z.infer<typeof Reset>;

/** What an owner may have. Money in US dollars. */
export const PlanAnswer = z.object({
  maxKeys: z.number(),
  budgetUsd: z.number(),
  reset: Reset,
  defaultKeyUsd: z.number(),
  maxKeyUsd: z.number(),
  maxLifetimeDays: z.number(),
});
export type PlanAnswer = z.infer<typeof PlanAnswer>;

/**
 * `allowanceUsd`: the dollars of the plan that are neither given to a key nor spent in this window by keys that have
 * ended. `overAllowanceUsd`: by how much the keys are over a plan that was lowered, if they are; they keep working. `keysLeft`: how
 * many more keys may be made. `waitingRun`, for administrators only: the nightly run whose list waits for approval, and
 * how many people are on it. `waitingRaises`, for administrators only: how many raises of other people wait, and
 * when the newest was asked for. Both name nobody, so that they need no fresh sign-in and an editor can tell of them at any time.
 */
export const MeAnswer = z.object({
  account: Account,
  isAdmin: z.boolean(),
  plan: PlanAnswer,
  allowanceUsd: z.number(),
  overAllowanceUsd: z.optional(z.number()),
  keysLeft: z.number(),
  waitingRun: z.optional(z.object({ id: z.string(), people: z.number() })),
  waitingRaises: z.optional(z.object({ newestAt: Time, count: z.number() })),
});
export type MeAnswer = z.infer<typeof MeAnswer>;
