import type { Plan } from "./plan.ts";

/** Facts read in the same transaction as the reservation. Times in milliseconds since the epoch. */
export interface CreateFacts {
  readonly now: number;
  /** Keys that are reserved or can still spend, whether disabled or not. */
  readonly liveKeys: number;
  /** The sum of those keys' limits. */
  readonly liveLimitCents: number;
  /** When each reservation of the last hour was made, oldest first; failed ones count too. */
  readonly recentCreates: readonly number[];
}

export interface CreateWish {
  readonly limitCents: number | undefined;
  readonly expiresAt: number | undefined;
}

export type CreateDecision =
  | { readonly kind: "grant"; readonly limitCents: number; readonly expiresAt: number }
  | { readonly kind: "refuse"; readonly code: "key_cap" | "allowance_spent" | "above_plan"; readonly reason: string }
  | { readonly kind: "wait"; readonly seconds: number; readonly reason: string };

const hour = 3_600_000;
const day = 24 * hour;

/** Grants a key only if, with it, the owner is still within the plan on every count. */
export function decideCreate(plan: Plan, facts: CreateFacts, wish: CreateWish): CreateDecision {
  const limitCents = wish.limitCents ?? plan.defaultKeyCents;
  const latestExpiry = facts.now + plan.maxLifetimeDays * day;
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
  const oldest = facts.recentCreates[facts.recentCreates.length - plan.createsPerHour];
  if (oldest !== undefined) {
    const seconds = roundUp((oldest + hour - facts.now) / 1000);
    return {
      kind: "wait",
      seconds: seconds > 0 ? seconds : 1,
      reason: `Your plan allows ${plan.createsPerHour} new keys an hour. Try again later.`,
    };
  }
  return { kind: "grant", limitCents, expiresAt };
}

/** The cents of the plan not yet given to a key; never negative, also after a plan was lowered. */
export function allowanceCents(plan: Plan, facts: Pick<CreateFacts, "liveLimitCents">): number {
  const left = plan.budgetCents - facts.liveLimitCents;
  return left > 0 ? left : 0;
}

export function keysLeft(plan: Plan, facts: Pick<CreateFacts, "liveKeys">): number {
  const left = plan.maxKeys - facts.liveKeys;
  return left > 0 ? left : 0;
}

function refuse(code: "key_cap" | "allowance_spent" | "above_plan", reason: string): CreateDecision {
  return { kind: "refuse", code, reason };
}

function usd(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}

function roundUp(value: number): number {
  const whole = value - (value % 1);
  return whole < value ? whole + 1 : whole;
}
