import * as z from "zod/mini";

import { Account } from "./account.ts";
import { Time } from "./time.ts";

/** A run of the nightly trigger. Counts are of people, but for `repaired` (keys) and `swept` (reservations). */
export const NightlyRun = z.object({
  id: z.string(),
  startedAt: Time,
  endedAt: Time,
  mode: z.enum(["report", "enforce"]),
  counts: z.object({
    checked: z.number(),
    active: z.number(),
    inactive: z.number(),
    unknown: z.number(),
    revoked: z.number(),
    failed: z.number(),
    repaired: z.number(),
    swept: z.number(),
  }),
  tripped: z.boolean(),
  partial: z.boolean(),
  /**
   * waiting: the list needs an administrator's approval, and `candidatesHash` names it. approved: the next run acts on
   * it. none: nothing of it waits.
   */
  state: z.enum(["waiting", "approved", "none"]),
  candidates: z.array(z.object({ owner: Account, evidence: z.string() })),
  candidatesHash: z.nullable(z.string()),
  approvedAt: z.nullable(Time),
  /** What an administrator should look at, as sentences. */
  alerts: z.array(z.string()),
});
export type NightlyRun = z.infer<typeof NightlyRun>;

/** Newest first. `unknown` and `stuck` are as they are today, and the longest come first. */
export const NightlyRunsAnswer = z.object({
  runs: z.array(NightlyRun),
  nextCursor: z.nullable(z.string()),
  /** People about whom the directories have said nothing for a week. */
  unknown: z.array(z.object({ owner: Account, since: Time, reason: z.string() })),
  /** Leavers' keys that OpenRouter has not disabled yet. */
  stuck: z.array(
    z.object({ owner: Account, key: z.object({ id: z.string(), name: z.string() }), tries: z.number(), since: Time }),
  ),
});
export type NightlyRunsAnswer = z.infer<typeof NightlyRunsAnswer>;
