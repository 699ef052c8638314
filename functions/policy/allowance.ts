import { nextReset } from "./next-reset.ts";
import type { Plan } from "./plan.ts";

/** What of an owner's plan is taken, read under the owner's lock. Times in milliseconds since the epoch. */
export interface PlanFacts {
  readonly now: number;
  /** Keys that are reserved or can still spend, whether disabled or not; without those that are retiring. */
  readonly liveKeys: number;
  readonly retiringKeys: number;
  /**
   * The limits of all those keys, and what keys that have ended spent in the window that is still running. Without the
   * second part, whoever deletes a spent key and makes another would start from zero in the same window.
   */
  readonly takenCents: number;
  /** Keys whose time is over, but which are not cleared away yet: their limits count until it is known what they spent. */
  readonly overdueKeys: number;
  /** When each reservation of the last hour was made, oldest first; failed ones count too. */
  readonly recentCreates: readonly number[];
}

/** The cents of the plan not yet given to a key; never negative, also after a plan was lowered. */
export function allowanceCents(plan: Plan, facts: Pick<PlanFacts, "takenCents">): number {
  const left = plan.budgetCents - facts.takenCents;
  return left > 0 ? left : 0;
}

/**
 * By how many cents the owner's keys are over the plan, which happens only when a plan is lowered. Nothing is cut: the
 * keys keep their limits, and new ones are refused until there is room again.
 */
export function overAllowanceCents(plan: Plan, facts: Pick<PlanFacts, "takenCents">): number {
  const over = facts.takenCents - plan.budgetCents;
  return over > 0 ? over : 0;
}

export function keysLeft(plan: Plan, facts: Pick<PlanFacts, "liveKeys">): number {
  const left = plan.maxKeys - facts.liveKeys;
  return left > 0 ? left : 0;
}

/**
 * What a key that ends now goes on taking from its owner's budget: what it has spent in this window, until the window
 * ends. Rounded up to a cent.
 */
export function chargeAtEnd(
  key: { readonly reset: "daily" | "weekly" | "monthly" },
  spentUsd: number,
  now: number,
): { readonly cents: number; readonly until: number } {
  return { cents: spentCents(spentUsd), until: nextReset(key.reset, now) };
}

/** A spend in whole cents, rounded up; OpenRouter counts in millionths of a dollar. */
export function spentCents(usd: number): number {
  return usd > 0 ? roundUp(tidy(usd * 100)) : 0;
}

export function usd(cents: number): string {
  return `$${(cents / 100).toFixed(2)}`;
}

export function roundUp(value: number): number {
  const whole = value - (value % 1);
  return whole < value ? whole + 1 : whole;
}

/** Without the noise of binary fractions: 12.34 * 100 is 1234 here. */
function tidy(value: number): number {
  return Number(value.toFixed(6));
}
