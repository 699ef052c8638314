import type { Deps } from "./deps.ts";
import { UpstreamError } from "./provisioner.ts";

const job = "spend";
const leaseMs = 10 * 60_000;

/** When the table of spends was last brought up to date, and whether all of it was. */
export interface SpendAge {
  readonly asOf: number | undefined;
  readonly complete: boolean;
}

export async function spendAge(deps: Deps): Promise<SpendAge> {
  const done = await deps.leases.lastDone(job);
  return { asOf: done?.at, complete: done?.complete ?? false };
}

/**
 * Brings the table of spends up to date from OpenRouter's own list, workspace by workspace, many pages at a time; one
 * refresh at a time over all processes. False when another one is under way.
 */
export async function refreshSpend(deps: Deps, signal: AbortSignal): Promise<boolean> {
  const started = deps.clock();
  const lease = await deps.leases.acquire(job, started, started + leaseMs);
  if (lease === undefined) return false;
  let isDone = false;
  let isComplete = false;
  try {
    isComplete = await readWorkspaces(deps, started, signal);
    isDone = true;
  } finally {
    await deps.leases.release(lease, isDone ? { at: started, complete: isComplete } : undefined);
  }
  return true;
}

/** After somebody else has read and kept the spend of every key; a refresh that is under way says it itself. */
export async function keepSpendAge(deps: Deps, asOf: number): Promise<void> {
  const now = deps.clock();
  const lease = await deps.leases.acquire(job, now, now + leaseMs);
  if (lease === undefined) return;
  const last = await deps.leases.lastDone(job);
  const isNewer = last === undefined || last.at < asOf;
  await deps.leases.release(lease, isNewer ? { at: asOf, complete: true } : undefined);
}

async function readWorkspaces(deps: Deps, asOf: number, signal: AbortSignal): Promise<boolean> {
  const workspaces = await deps.keys.liveKeysByWorkspace();
  const read = await Promise.all(
    workspaces.map(async ({ workspaceId, keys }) => {
      const saving: Promise<void>[] = [];
      try {
        for await (const page of deps.provisioner.readAllKeys(workspaceId, keys, signal)) {
          const saved = deps.keys.saveSpend(page, asOf);
          // It is looked at below; failing before that, it would end the process as nobody's failure.
          saved.catch(() => undefined);
          saving.push(saved);
        }
        return true;
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        return false;
      } finally {
        await Promise.all(saving);
      }
    }),
  );
  return read.every((isRead) => isRead);
}
