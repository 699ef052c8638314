import type { RaiseRequest } from "../contract/requests.ts";
import { refuseRaise } from "../policy/limit.ts";
import type { Plan } from "../policy/plan.ts";
import { planFor } from "../policy/plan.ts";
import { requireActive } from "./ask-directory.ts";
import type { Acting, AuditEntry } from "./audit.ts";
import { asAdmin, asOwner, clockActor } from "./audit.ts";
import { clearOverdue } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import { fitLimit } from "./fit-limit.ts";
import { ownPlan } from "./own-plan.ts";
import { askUpstream } from "./provisioner.ts";
import type { Raise } from "./raise-store.ts";

const workMs = 20_000;

/** Asks for more on one's own key, for a while. Nothing changes until an administrator has decided. */
export async function askForRaise(deps: Deps, acting: Acting, request: RaiseRequest): Promise<Raise> {
  const { owner } = acting;
  const plan = ownPlan(deps.rules, owner);
  const wish = { limitCents: Math.round(request.limitUsd * 100), until: Date.parse(request.until) };
  const facts = await deps.keys.facts(owner.id, deps.clock());
  if (facts.overdueKeys > 0) await clearOverdue(deps, owner.id);
  const id = crypto.randomUUID();
  const now = deps.clock();
  const outcome = await deps.raises.ask({
    id,
    keyId: request.keyId,
    ownerId: owner.id,
    ...wish,
    reason: request.reason,
    now,
    check: (current, key) => refuseRaise(plan, current, key, wish),
    audit: {
      actor: asOwner(acting),
      verb: "raise.ask",
      targetId: id,
      ownerId: owner.id,
      before: null,
      after: { keyId: request.keyId, limitUsd: request.limitUsd, until: request.until, reason: request.reason },
      at: now,
    },
  });
  switch (outcome.kind) {
    case "asked":
      return outcome.raise;
    case "no-such-key":
      throw new ServiceError("not_found", "You have no such key.");
    case "open":
      throw new ServiceError(
        "conflict",
        "More has been asked for on this key already, or is in force. Wait for that one.",
      );
    case "refused":
      throw new ServiceError(outcome.refusal.code, outcome.refusal.reason);
  }
}

/** Decides about somebody else's raise. Asked again with the same decision, it answers the same. */
export async function decideRaise(
  deps: Deps,
  acting: Acting,
  raiseId: string,
  request: { readonly decision: "approve" | "refuse"; readonly note?: string | undefined },
): Promise<Raise> {
  const found = await deps.raises.find(raiseId);
  if (found === undefined) throw new ServiceError("not_found", "There is no such raise.");
  if (found.ownerId === acting.owner.id) {
    throw new ServiceError("forbidden", "Nobody decides about their own raise. Ask another administrator.");
  }
  const plan = await planOf(deps, found.ownerId);
  if (request.decision === "approve") await requireActive(deps, found.ownerId, false);
  const now = deps.clock();
  const outcome = await deps.raises.decide({
    id: raiseId,
    decision: request.decision,
    note: request.note,
    decidedBy: acting.owner.id,
    now,
    check: (raise) => (facts, key) => refuseRaise(plan, facts, key, raise),
    audit: (raise) => ({
      ...entry(raise, now),
      actor: asAdmin(acting),
      verb: request.decision === "approve" ? "raise.approve" : "raise.refuse",
      before: { state: "waiting", limitUsd: (raise.baseCents ?? 0) / 100 },
      after: {
        state: raise.state,
        keyId: raise.keyId,
        limitUsd: raise.limitCents / 100,
        ...(request.note === undefined ? {} : { note: request.note }),
      },
    }),
  });
  if (outcome.kind === "refused") throw new ServiceError(outcome.refusal.code, outcome.refusal.reason);
  const isSame = outcome.raise.state === (request.decision === "approve" ? "approved" : "refused");
  if (outcome.kind === "settled" && !isSame) {
    throw new ServiceError("conflict", "This raise has been decided or has ended already.");
  }
  // Where OpenRouter cannot be told now, the decision stands and the clock tells it.
  if (request.decision === "approve") {
    await askUpstream(() => fitLimit(deps, AbortSignal.timeout(workMs), outcome.raise.keyId));
  }
  return outcome.raise;
}

/** Ends every raise whose time has passed. The keys' limits follow. Returns how many. */
export async function endRaises(deps: Deps): Promise<number> {
  for (let ended = 0; ; ended += 1) {
    const now = deps.clock();
    const raise = await deps.raises.endOverdue(now, (due) => ({
      ...entry(due, now),
      actor: clockActor,
      verb: "raise.end",
      before: { state: "approved", limitUsd: due.limitCents / 100 },
      after: { state: "ended", limitUsd: (due.baseCents ?? 0) / 100 },
    }));
    if (raise === undefined) return ended;
  }
}

function entry(raise: Raise, at: number): Pick<AuditEntry, "targetId" | "ownerId" | "at"> {
  return { targetId: raise.id, ownerId: raise.ownerId, at };
}

async function planOf(deps: Deps, ownerId: string): Promise<Plan> {
  const owner = await deps.accounts.findOwner(ownerId);
  const plan = owner === undefined ? undefined : planFor(deps.rules.plans, owner);
  if (plan === undefined)
    throw new ServiceError("conflict", "No plan covers this person any more. Add them to one first.");
  return plan;
}
