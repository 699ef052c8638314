import type { Deps } from "./deps.ts";
import type { NightlyRun } from "./nightly-store.ts";

/** The run whose list waits for an administrator: only the newest can, since it has looked again at everybody. */
export async function waitingRun(deps: Pick<Deps, "nightly">): Promise<NightlyRun | undefined> {
  const latest = await deps.nightly.latestRun();
  return latest?.candidatesHash !== undefined && latest.approval === undefined ? latest : undefined;
}
