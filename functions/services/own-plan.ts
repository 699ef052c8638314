import { planFor } from "../policy/plan.ts";
import type { Plan } from "../policy/plan.ts";
import type { Owner } from "./account-store.ts";
import type { Rules } from "./deps.ts";
import { ServiceError } from "./errors.ts";

/** The owner's plan; throws `forbidden` when none covers them. */
export function ownPlan(rules: Rules, owner: Owner): Plan {
  const plan = planFor(rules.plans, owner);
  if (plan === undefined) {
    throw new ServiceError("forbidden", "No plan covers you. Ask an administrator to add you to one.");
  }
  return plan;
}
