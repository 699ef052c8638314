import type { Deps } from "./deps.ts";
import { nightlyJob } from "./nightly-store.ts";
import { waitingRun } from "./waiting-run.ts";

/** The trigger runs once a day. */
const intervalMs = 24 * 3_600_000;

/** What is wrong, as sentences without a name in them, since everybody may ask; empty when nothing is. */
export async function checkHealth(deps: Deps): Promise<readonly string[]> {
  try {
    await deps.pingDatabase();
    return await checkNightly(deps);
  } catch {
    return ["The database cannot be reached."];
  }
}

async function checkNightly(deps: Deps): Promise<readonly string[]> {
  const now = deps.clock();
  const [last, stuck] = await Promise.all([deps.leases.lastDone(nightlyJob), deps.revocations.stuck(1, 1)]);
  // Where nobody is asked about and it never ran, nobody expects it to.
  if (last === undefined && deps.directory.length === 0) return [];
  const [waiting, since] = await Promise.all([waitingRun(deps), last?.at ?? deps.nightly.deployedAt()]);
  return [
    ...(since !== undefined && now - since > 2 * intervalMs
      ? ["The nightly run is overdue: see that whatever calls it still does, and look at the log."]
      : []),
    ...(waiting !== undefined
      ? ["A nightly run found more leavers than a day may bring and waits for an administrator's approval."]
      : []),
    ...(stuck.length > 0 ? ["A leaver's key could not be disabled at OpenRouter yet. It is tried again."] : []),
  ];
}
