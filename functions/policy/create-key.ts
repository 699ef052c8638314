import { allowanceCents, roundUp, usd } from "./allowance.ts";
import type { PlanFacts } from "./allowance.ts";
import type { Plan } from "./plan.ts";

export interface CreateWish {
  readonly limitCents: number | undefined;
  readonly expiresAt: number | undefined;
}

/** What is reserved: the limit taken from the allowance, and the limit that the key is meant to have. */
export interface Grant {
  readonly kind: "grant";
  readonly limitCents: number;
  readonly wantedCents: number;
  readonly expiresAt: number;
}

export interface Refusal {
  readonly kind: "refuse";
  readonly code: "key_cap" | "allowance_spent" | "above_plan" | "conflict" | "invalid_request";
  readonly reason: string;
}

export interface Wait {
  readonly kind: "wait";
  readonly seconds: number;
  readonly reason: string;
}

export type CreateDecision = Grant | Refusal | Wait;

const hour = 3_600_000;
const day = 24 * hour;

/** Grants a key only if, with it, the owner is still within the plan on every count. */
export function decideCreate(plan: Plan, facts: PlanFacts, wish: CreateWish): CreateDecision {
  const limitCents = wish.limitCents ?? plan.defaultKeyCents;
  const latestExpiry = longestLife(plan, facts.now);
  const expiresAt = wish.expiresAt ?? latestExpiry;
  const left = allowanceCents(plan, facts);

  if (facts.liveKeys >= plan.maxKeys) {
    return refuse("key_cap", `You have ${facts.liveKeys} of ${plan.maxKeys} keys. Delete one you no longer use first.`);
  }
  if (limitCents > plan.maxKeyCents) {
    return refuse(
      "above_plan",
      `A key may have at most ${usd(plan.maxKeyCents)} in your plan; ${usd(limitCents)} was asked for.`,
    );
  }
  if (expiresAt > latestExpiry) {
    return refuse("above_plan", `A key may live at most ${plan.maxLifetimeDays} days in your plan.`);
  }
  if (expiresAt <= facts.now) {
    return refuse("above_plan", "The expiry lies in the past.");
  }
  if (limitCents > left) {
    return refuse(
      "allowance_spent",
      `${usd(left)} of your ${usd(plan.budgetCents)} is not yet given to a key, and this key needs ${usd(limitCents)}. ` +
        "Ask for a lower limit, or delete a key you no longer use.",
    );
  }
  return tooSoon(plan, facts) ?? { kind: "grant", limitCents, wantedCents: limitCents, expiresAt };
}

/** The latest time at which a key made now may expire. */
export function longestLife(plan: Plan, now: number): number {
  return now + plan.maxLifetimeDays * day;
}

/** The plan's rate of new keys; undefined when one more may be made now. */
export function tooSoon(plan: Plan, facts: PlanFacts): Wait | undefined {
  const oldest = facts.recentCreates[facts.recentCreates.length - plan.createsPerHour];
  if (oldest === undefined) return undefined;
  const seconds = roundUp((oldest + hour - facts.now) / 1000);
  return {
    kind: "wait",
    seconds: seconds > 0 ? seconds : 1,
    reason: `Your plan allows ${plan.createsPerHour} new keys an hour. Try again later.`,
  };
}

export function refuse(code: Refusal["code"], reason: string): Refusal {
  return { kind: "refuse", code, reason };
}
