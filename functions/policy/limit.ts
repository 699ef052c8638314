import { allowanceCents, usd } from "./allowance.ts";
import type { PlanFacts } from "./allowance.ts";
import type { Refusal } from "./create-key.ts";
import { refuse } from "./create-key.ts";
import type { KeyFacts } from "./key-state.ts";
import { keyState } from "./key-state.ts";
import type { Plan } from "./plan.ts";

/** What an owner asks for: more on one key, until a time. */
export interface RaiseWish {
  readonly limitCents: number;
  readonly until: number;
}

/** Whether a raise could be given as things stand; asked when it is wished for and again when it is decided. */
export function refuseRaise(
  plan: Plan,
  facts: PlanFacts,
  key: KeyFacts & { readonly limitCents: number },
  wish: RaiseWish,
): Refusal | undefined {
  const state = keyState(key, facts.now);
  if (state !== "active" && state !== "disabled") {
    return refuse("conflict", "Only a key that is active can be raised.");
  }
  if (wish.limitCents <= key.limitCents) {
    return refuse("invalid_request", `The key has ${usd(key.limitCents)} already; ask for more than that.`);
  }
  if (wish.until <= facts.now) return refuse("invalid_request", "The time until which more is needed has passed.");
  if (wish.until > key.expiresAt) {
    return refuse("invalid_request", "The key expires before that time. Ask for a time before its expiry.");
  }
  const needed = wish.limitCents - key.limitCents;
  const left = allowanceCents(plan, facts);
  if (needed > left) {
    return refuse(
      "allowance_spent",
      `A raise takes ${usd(needed)} from the budget of ${usd(plan.budgetCents)}, of which ${usd(left)} is not yet given to a key. ` +
        "Delete a key that is not used, or have an administrator change the plan.",
    );
  }
  return undefined;
}

/** The limit that a key may have now on its way up to what it is meant to have; never lower than it is. */
export function fittingLimit(
  plan: Plan,
  facts: PlanFacts,
  key: { readonly limitCents: number; readonly wantedCents: number },
): number {
  const most = key.limitCents + allowanceCents(plan, facts);
  return most < key.wantedCents ? most : key.wantedCents;
}
