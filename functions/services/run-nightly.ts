import { applyBrake, candidatesText, mayApprove } from "../policy/offboarding.ts";
import type { Acting } from "./audit.ts";
import { asAdmin } from "./audit.ts";
import { checkPeople } from "./check-people.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { JobDone, Lease } from "./lease-store.ts";
import type { Candidate, NightlyRun, RunCounts } from "./nightly-store.ts";
import { nightlyJob } from "./nightly-store.ts";
import { people } from "./people.ts";
import { UpstreamError } from "./provisioner.ts";
import { repairDrift } from "./repair-drift.ts";
import { LeaseLost } from "./revocation-store.ts";
import { eraseKept, revokeKeys } from "./revoke-keys.ts";
import { sha256 } from "./secrets.ts";
import { settleDue } from "./settle-due.ts";

/** A run that is killed keeps others out for no longer than this. */
const leaseMs = 20_000;
/** The pause between two looks at the lease; it ends early only with the run. */
export const extendEveryMs = 5_000;
const dayMs = 24 * 3_600_000;
const longUnknownMs = 7 * dayMs;
const mostListed = 200;

/** What the deployment has decided about the trigger. */
export interface NightlyRules {
  readonly mode: "report" | "enforce";
  readonly minIntervalSeconds: number;
  /** How long a revoked key is kept at OpenRouter before it is deleted there. */
  readonly keepRevokedDays: number;
}

/** Counts only: whoever calls the trigger learns nobody's name. */
export type NightlySummary =
  | ({ readonly runId: string; readonly mode: NightlyRules["mode"] } & RunCounts)
  | { readonly skipped: "recent" | "running" };

/**
 * The scheduled trigger: sweeps reservations, finds leavers, ends their access, repairs drift, ends raises, clears away
 * what has run out, refreshes the table of spends, beats. One run at a time over all processes, held by a lease; who has
 * lost it ends nobody's access any more. It can be killed anywhere and run again, late, or twice at once: whatever it
 * does is kept piece by piece, and each piece can be done again. When `signal` aborts, its time is up: it ends as
 * partial, and the next run goes on with those whom it did not reach.
 */
export async function runNightly(deps: Deps, signal: AbortSignal): Promise<NightlySummary> {
  const now = deps.clock();
  const lease = await deps.leases.acquire(nightlyJob, now, now + leaseMs);
  if (lease === undefined) return { skipped: "running" };
  let done: JobDone | undefined;
  try {
    if (await isRecent(deps, now)) return { skipped: "recent" };
    const run = await holding(deps, lease, (lost) => runOnce(deps, lease, AbortSignal.any([signal, lost])));
    done = { at: Math.max(deps.clock(), now), complete: !run.counts.partial };
    if (done.complete) await deps.beat?.().catch(() => undefined);
    return { runId: run.id, mode: run.mode, ...run.counts };
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    return { skipped: "running" };
  } finally {
    await deps.leases.release(lease, done);
  }
}

/**
 * A run that ended not long ago, whole or partial: who calls every second gets one run in that time, and what a partial
 * one left is the next one's. A run that died or failed never ended, so that it keeps nobody waiting; neither does one
 * before an administrator's approval.
 */
async function isRecent(deps: Deps, now: number): Promise<boolean> {
  const last = await deps.leases.lastDone(nightlyJob);
  if (last === undefined || last.at > now) return false;
  if (now - last.at >= deps.nightlyRules.minIntervalSeconds * 1_000) return false;
  return !(await hasApprovalSince(deps, last.at));
}

/** Whether an administrator has approved a list since the last run ended. */
export async function hasNewApproval(deps: Deps): Promise<boolean> {
  const last = await deps.leases.lastDone(nightlyJob);
  return hasApprovalSince(deps, last?.at ?? 0);
}

async function hasApprovalSince(deps: Deps, time: number): Promise<boolean> {
  const approval = (await deps.nightly.approvedRun())?.approval;
  return approval !== undefined && approval.at >= time;
}

/** Keeps the lease while the work is under way; when it is lost all the same, the signal tells the work to stop. */
async function holding<T>(deps: Deps, lease: Lease, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const lost = new AbortController();
  const keeping = (async () => {
    while (!ended.signal.aborted) {
      await deps.wait(extendEveryMs, ended.signal).catch(() => undefined);
      if (ended.signal.aborted) return;
      const isHeld = await deps.leases.extend(lease, deps.clock() + leaseMs).catch(() => true);
      if (!isHeld) lost.abort();
    }
  })();
  try {
    return await work(lost.signal);
  } finally {
    ended.abort();
    await keeping;
  }
}

async function runOnce(deps: Deps, lease: Lease, signal: AbortSignal): Promise<NightlyRun> {
  const id = crypto.randomUUID();
  const startedAt = deps.clock();
  const { mode } = deps.nightlyRules;
  const alerts: string[] = [];

  const leftBefore = await deps.revocations.ownersLeft();
  const swept = await settle(deps, alerts, signal);
  const checkedPeople = await checkPeople(deps, startedAt, signal);
  alerts.push(...checkedPeople.alerts);
  const decision = await decide(deps, checkedPeople.due, alerts);
  const leavers = checkedPeople.due.filter(({ ownerId }) => decision.revoke.has(ownerId));
  const blocked = await endAccess(deps, { lease, runId: id, leavers, approved: decision.approved });

  await revokeKeys(deps, signal, true);
  const left = await deps.revocations.ownersLeft();
  const stillLeft = new Set(left);
  if (left.length > 0) {
    alerts.push(
      `${people(left.length)} ${left.length === 1 ? "has" : "have"} left and still hold a key that OpenRouter did not disable. It is tried again.`,
    );
  }
  const drift = await repairDrift(deps, signal);
  alerts.push(...drift.alerts);
  await eraseKept(deps, deps.nightlyRules.keepRevokedDays, signal);

  const { checked, active, inactive, unknown } = checkedPeople;
  const waiting = checkedPeople.due.filter(({ ownerId }) => decision.waiting.has(ownerId));
  const run: NightlyRun = {
    id,
    startedAt,
    endedAt: deps.clock(),
    mode,
    counts: {
      checked,
      active,
      inactive,
      unknown,
      revoked: [...new Set([...leftBefore, ...blocked])].filter((ownerId) => !stillLeft.has(ownerId)).length,
      failed: left.length,
      repaired: drift.repaired,
      swept,
      tripped: decision.tripped,
      partial: !checkedPeople.isWhole || !drift.isWhole || signal.aborted,
    },
    candidates: mode === "report" ? checkedPeople.due : waiting.length > 0 ? waiting : leavers,
    candidatesHash:
      waiting.length === 0
        ? undefined
        : await sha256(
            candidatesText(
              id,
              waiting.map(({ ownerId }) => ownerId),
            ),
          ),
    alerts,
    approval: undefined,
  };
  await deps.nightly.saveRun(run);
  return run;
}

/** OpenRouter's failure here must not keep a leaver's sessions alive. */
async function settle(deps: Deps, alerts: string[], signal: AbortSignal): Promise<number> {
  try {
    return (await settleDue(deps, signal)).swept;
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    alerts.push("OpenRouter could not be asked to clear away everything that is due. The next run goes on.");
    return 0;
  }
}

interface Decision {
  readonly revoke: ReadonlySet<string>;
  readonly approved: ReadonlySet<string>;
  readonly waiting: ReadonlySet<string>;
  readonly tripped: boolean;
}

async function decide(deps: Deps, due: readonly Candidate[], alerts: string[]): Promise<Decision> {
  const now = deps.clock();
  const { mode } = deps.nightlyRules;
  const [holders, revokedLastDay, approvedRun] = await Promise.all([
    deps.nightly.countHolders(),
    deps.nightly.countBlockedSince(now - dayMs),
    deps.nightly.approvedRun(),
  ]);
  const approval =
    approvedRun?.approval === undefined
      ? undefined
      : {
          personIds: approvedRun.candidates.map(({ ownerId }) => ownerId),
          approvedBy: approvedRun.approval.by,
          approvedAt: approvedRun.approval.at,
        };
  const brake = applyBrake({
    now,
    mode,
    due: due.map(({ ownerId }) => ownerId),
    holders,
    revokedLastDay,
    approval,
  });
  if (brake.tripped) {
    alerts.push(
      mode === "report"
        ? `${due.length} people seem to have left, more than a day may bring: enforcing, an administrator would have to approve it.`
        : `${brake.waiting.length} people seem to have left, more than a day may bring. Nobody's access was ended: an administrator has to approve the list.`,
    );
  }
  const unknown = await longUnknown(deps);
  if (unknown.length > 0) {
    alerts.push(
      `The directories have not been able to say anything about ${people(unknown.length)} for a week. An administrator has to find out.`,
    );
  }
  return {
    revoke: new Set(brake.revoke),
    approved: new Set(approval?.personIds),
    waiting: new Set(brake.waiting),
    tripped: brake.tripped,
  };
}

async function endAccess(
  deps: Deps,
  request: {
    readonly lease: Lease;
    readonly runId: string;
    readonly leavers: readonly Candidate[];
    readonly approved: ReadonlySet<string>;
  },
): Promise<readonly string[]> {
  const { lease, runId, leavers, approved } = request;
  const blocked: string[] = [];
  for (const isApproved of [true, false]) {
    const some = leavers.filter(({ ownerId }) => approved.has(ownerId) === isApproved);
    if (some.length === 0) continue;
    blocked.push(...(await deps.revocations.block({ leavers: some, runId, lease, isApproved, now: deps.clock() })));
  }
  return blocked;
}

/** People about whom the directories have said nothing for a week. */
export function longUnknown(deps: Deps) {
  return deps.nightly.longUnknown(deps.clock() - longUnknownMs, mostListed);
}

/** An administrator's yes to exactly the list that waits; the next run acts on it. */
export async function approveRun(
  deps: Deps,
  acting: Acting,
  request: { readonly id: string; readonly candidatesHash: string },
): Promise<NightlyRun> {
  const run = await deps.nightly.run(request.id);
  if (run === undefined) throw new ServiceError("not_found", "There is no such run.");
  if (run.candidatesHash === undefined) {
    throw new ServiceError("conflict", "Nothing of this run waits for approval.");
  }
  if (run.candidatesHash !== request.candidatesHash) {
    throw new ServiceError("conflict", "This is not the list of that run. Look at it again, then approve it.");
  }
  const ids = run.candidates.map(({ ownerId }) => ownerId);
  if (!mayApprove(acting.owner.id, ids)) {
    throw new ServiceError("forbidden", "You are on this list yourself. Ask another administrator.");
  }
  if (run.approval === undefined) {
    const newest = await deps.nightly.latestRun();
    if (newest !== undefined && newest.id !== run.id && newest.candidatesHash !== undefined) {
      throw new ServiceError("conflict", "A newer run has a list of its own. Look at that one.");
    }
    const now = deps.clock();
    await deps.nightly.approveRun(run.id, acting.owner.id, now, {
      actor: asAdmin(acting),
      verb: "run.approve",
      targetId: run.id,
      ownerId: acting.owner.id,
      before: null,
      after: { people: ids.length, candidatesHash: run.candidatesHash },
      at: now,
    });
  }
  return (await deps.nightly.run(run.id)) ?? run;
}
