import { allowanceCents, usd } from "./allowance.ts";
import type { PlanFacts } from "./allowance.ts";
import { longestLife, refuse, tooSoon } from "./create-key.ts";
import type { CreateDecision } from "./create-key.ts";
import type { KeyFacts } from "./key-state.ts";
import { keyState } from "./key-state.ts";
import type { Plan } from "./plan.ts";

/** The key that is to be replaced. Money in whole US cents. */
export interface Replaced extends KeyFacts {
  readonly limitCents: number;
  /** What it is meant to have: more than `limitCents` once it has made room for its successor. */
  readonly wantedCents: number;
  /** Whether an approved raise is what it is meant to have; that may pass the plan's ceiling for a key. */
  readonly isRaised: boolean;
}

export type RotateDecision =
  | CreateDecision
  /** Both keys do not fit into the budget: the old one has to give up what it has not spent first. */
  | { readonly kind: "make-room" };

/**
 * A successor has the limit of the key that it replaces. While both work, both count against the budget. Where that
 * does not fit, the old key keeps only what it has spent already and the new one gets the rest; it is raised to the
 * full limit when there is room again.
 */
export function decideRotate(plan: Plan, facts: PlanFacts, old: Replaced): RotateDecision {
  const state = keyState(old, facts.now);
  if (state !== "active") {
    return refuse(
      "conflict",
      state === "disabled"
        ? "This key is disabled. Enable it before you rotate it."
        : "Only an active key can be rotated. Create a new key instead.",
    );
  }
  // A key that is replaced no longer counts against the number of keys; but there is an end to retiring ones, too.
  if (facts.liveKeys > plan.maxKeys || facts.retiringKeys >= plan.maxKeys) {
    return refuse("key_cap", "Too many of your keys are still working. Delete one that is retiring, then try again.");
  }
  const wantedCents = old.isRaised ? old.wantedCents : min(old.wantedCents, plan.maxKeyCents);
  const left = allowanceCents(plan, facts);
  const wait = tooSoon(plan, facts);
  if (wait !== undefined) return wait;
  const expiresAt = longestLife(plan, facts.now);
  if (left >= wantedCents) return { kind: "grant", limitCents: wantedCents, wantedCents, expiresAt };
  const hasMadeRoom = old.limitCents < old.wantedCents;
  if (!hasMadeRoom) return { kind: "make-room" };
  if (left > 0) return { kind: "grant", limitCents: left, wantedCents, expiresAt };
  return refuse(
    "allowance_spent",
    `This key has spent its limit, and nothing of your ${usd(plan.budgetCents)} is left for another before the next reset.`,
  );
}

const hourSeconds = 3_600;
const longestGraceSeconds = 7 * 24 * hourSeconds;

/** When the replaced key ends: after the grace (an hour unless told, a week at most), never past its own expiry. */
export function retireTime(old: { readonly expiresAt: number }, graceSeconds: number | undefined, now: number): number {
  return min(now + min(graceSeconds ?? hourSeconds, longestGraceSeconds) * 1000, old.expiresAt);
}

function min(left: number, right: number): number {
  return left < right ? left : right;
}
