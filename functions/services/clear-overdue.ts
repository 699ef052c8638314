import { chargeAtEnd } from "../policy/allowance.ts";
import type { Ending } from "../policy/key-phase.ts";
import { upstreamPhases } from "../policy/key-phase.ts";
import { keyState } from "../policy/key-state.ts";
import { nextReset } from "../policy/next-reset.ts";
import type { Actor } from "./audit.ts";
import { clockActor } from "./audit.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow } from "./key-store.ts";
import type { UpstreamKey } from "./provisioner.ts";
import { UpstreamError, windowSpendUsd } from "./provisioner.ts";

const leaseMs = 60_000;
/** What a request waits for at most, when it needs the room that these keys hold. */
const workMs = 15_000;

/**
 * Clears away keys whose time is over, of one owner or of all: deletes them at OpenRouter, then ends their rows. Stops
 * when OpenRouter cannot be asked; until then their limits count. Returns how many it ended.
 */
export async function clearOverdue(
  deps: Deps,
  ownerId?: string,
  signal = AbortSignal.timeout(workMs),
): Promise<number> {
  for (let cleared = 0; ; cleared += 1) {
    const now = deps.clock();
    const row = signal.aborted ? undefined : await deps.keys.claimOverdue(now, now + leaseMs, ownerId);
    if (row === undefined) return cleared;
    const isExpired = row.expiresAt <= now;
    try {
      await endKey(deps, row, isExpired ? "expire" : "retire", clockActor, signal);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      return cleared;
    }
  }
}

const verbs = {
  delete: "key.delete",
  retire: "key.retire",
  expire: "key.expire",
  vanish: "key.vanish",
  erase: "key.erase",
} as const satisfies Readonly<Record<Ending, string>>;

/**
 * Ends a key: at OpenRouter first, where one that is not there counts as deleted, then here. What it has spent in this
 * window goes on counting against the budget. Throws UpstreamError; repeatable.
 */
export async function endKey(
  deps: Deps,
  row: KeyRow,
  ending: Exclude<Ending, "vanish">,
  actor: Actor,
  signal: AbortSignal,
): Promise<void> {
  let upstream: UpstreamKey | undefined;
  if (upstreamPhases.some((phase) => phase === row.phase) && row.upstreamHash !== null) {
    upstream = await deps.provisioner.getKey(row.upstreamHash, signal);
    if (upstream !== undefined) {
      // Killed after the deletion, nobody could ask any more what the key had spent; and whoever asked for it may not
      // come back. Looked at again by the clock, such a key is found gone.
      await deps.keys.saveSpend([upstream], deps.clock());
      await deps.keys.lookAgain(row.id, deps.clock() + leaseMs);
      await deps.provisioner.deleteKey(row.upstreamHash, signal);
    }
  }
  await endRow(
    deps,
    row,
    ending,
    actor,
    upstream === undefined ? await spentAsSeen(deps, row) : windowSpendUsd(upstream),
  );
}

/** OpenRouter has said that it no longer has the key. */
export async function endVanished(deps: Deps, row: KeyRow, actor: Actor): Promise<void> {
  await endRow(deps, row, "vanish", actor, await spentAsSeen(deps, row));
}

/** What the key had spent when it was last seen, if that was in the window that is running; else nothing is known. */
async function spentAsSeen(deps: Deps, row: KeyRow): Promise<number> {
  const seen = (await deps.keys.companyKey(row.id))?.seen;
  const isOfThisWindow = seen !== undefined && nextReset(row.reset, seen.at) === nextReset(row.reset, deps.clock());
  return isOfThisWindow ? windowSpendUsd(seen) : 0;
}

async function endRow(deps: Deps, row: KeyRow, ending: Ending, actor: Actor, spentUsd: number): Promise<void> {
  const now = deps.clock();
  await deps.keys.end({
    keyId: row.id,
    ending,
    charge: chargeAtEnd(row, spentUsd, now),
    now,
    audit: {
      actor,
      verb: verbs[ending],
      targetId: row.id,
      ownerId: row.ownerId,
      before: { name: row.name, state: keyState(row, now) ?? row.phase, limitUsd: row.limitCents / 100 },
      after: null,
      at: now,
    },
  });
}
