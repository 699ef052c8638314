import { allowanceCents, keysLeft, overAllowanceCents } from "../policy/allowance.ts";
import type { Plan } from "../policy/plan.ts";
import type { Owner } from "./account-store.ts";
import { clearOverdue } from "./clear-overdue.ts";
import type { Deps, Rules } from "./deps.ts";
import { ownPlan } from "./own-plan.ts";

/** What the owner may have and what is left of it. */
export async function readAccount(
  deps: Deps,
  owner: Owner,
): Promise<{ plan: Plan; allowanceCents: number; overAllowanceCents: number; keysLeft: number }> {
  const plan = ownPlan(deps.rules, owner);
  let facts = await deps.keys.facts(owner.id, deps.clock());
  if (facts.overdueKeys > 0 && (await clearOverdue(deps, owner.id)) > 0) {
    facts = await deps.keys.facts(owner.id, deps.clock());
  }
  return {
    plan,
    allowanceCents: allowanceCents(plan, facts),
    overAllowanceCents: overAllowanceCents(plan, facts),
    keysLeft: keysLeft(plan, facts),
  };
}

/** Decided at each request from the settings; never kept in a session. */
export function isAdmin(rules: Rules, owner: Owner): boolean {
  return rules.adminEmails.includes(owner.email);
}
