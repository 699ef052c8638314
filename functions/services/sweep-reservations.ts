import type { Deps } from "./deps.ts";
import { removeStrays } from "./remove-strays.ts";

const leaseMs = 60_000;

/**
 * Clears reservations that nobody is working on: takes each over, so that its last holder can no longer confirm it,
 * removes what its attempts may have left upstream, then gives it up. Returns how many. Can be killed anywhere and
 * run again, also beside requests and other sweeps.
 */
export async function sweepReservations(
  deps: Pick<Deps, "keys" | "provisioner" | "clock">,
  signal: AbortSignal,
): Promise<number> {
  for (let swept = 0; ; swept += 1) {
    const now = deps.clock();
    const row = await deps.keys.claimAbandoned(now, now + leaseMs);
    if (row === undefined) return swept;
    await removeStrays(deps, row, row.attempt - 1, signal);
    await deps.keys.release({ keyId: row.id, attempt: row.attempt }, deps.clock());
  }
}
