import { fittingLimit } from "../policy/limit.ts";
import { nextReset } from "../policy/next-reset.ts";
import { planFor } from "../policy/plan.ts";
import { clockActor } from "./audit.ts";
import { endVanished } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow } from "./key-store.ts";

const leaseMs = 60_000;
/** Less than the lease: whoever holds a key no longer must not be telling OpenRouter about it still. */
const workMs = 30_000;

/**
 * Brings a key's limit to what it is meant to be: of the key named, or of any that is due. Up: the budget is taken
 * first, then OpenRouter is told. Down: OpenRouter first. So its limit there is never more than what is taken here, and
 * whatever crashes in between is done again. False when there was none. Throws UpstreamError; repeatable.
 */
export async function fitLimit(deps: Deps, signal: AbortSignal, keyId?: string): Promise<boolean> {
  const now = deps.clock();
  const claimed = await deps.keys.claimUnfit(now, now + leaseMs, keyId);
  if (claimed === undefined) return false;
  const isGrowing = claimed.wantedCents > claimed.limitCents;
  const row = isGrowing ? await grow(deps, claimed) : claimed;
  const limitCents = isGrowing ? row.limitCents : row.wantedCents;
  if (row.upstreamHash === null) return true;
  const upstream = await deps.provisioner.updateKey(
    row.upstreamHash,
    { limitUsd: limitCents / 100 },
    AbortSignal.any([signal, AbortSignal.timeout(workMs)]),
  );
  if (upstream === undefined) {
    await endVanished(deps, row, clockActor);
    return true;
  }
  // What did not fit now fits when charges lapse at the next reset, or when another key ends.
  const again = limitCents < row.wantedCents ? nextReset(row.reset, now) : null;
  const isLowered = limitCents < row.limitCents;
  await deps.keys.settleLimit(row, limitCents, again, isLowered ? changed(deps, row, limitCents) : undefined);
  return true;
}

async function grow(deps: Deps, row: KeyRow): Promise<KeyRow> {
  const owner = await deps.accounts.findOwner(row.ownerId);
  const plan = owner === undefined ? undefined : planFor(deps.rules.plans, owner);
  // Whom no plan covers any more keeps what they have and gets nothing on top.
  if (plan === undefined) return row;
  const grown = await deps.keys.growLimit(
    row.id,
    deps.clock(),
    (facts, current) => fittingLimit(plan, facts, current),
    (was, limitCents) => changed(deps, was, limitCents),
  );
  return grown ?? row;
}

function changed(deps: Deps, row: KeyRow, limitCents: number) {
  return {
    actor: clockActor,
    verb: "key.limit",
    targetId: row.id,
    ownerId: row.ownerId,
    before: { limitUsd: row.limitCents / 100 },
    after: { limitUsd: limitCents / 100 },
    at: deps.clock(),
  } as const;
}
