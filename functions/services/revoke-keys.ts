import { chargeAtEnd } from "../policy/allowance.ts";
import { pauseBefore } from "../policy/retry.ts";
import { endVanished } from "./clear-overdue.ts";
import { clockActor } from "./audit.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow } from "./key-store.ts";
import { mapLimited } from "./map-limited.ts";
import { UpstreamError, windowSpendUsd } from "./provisioner.ts";
import type { RevokedKey } from "./revocation-store.ts";

/** Whoever is killed keeps a key from the next for so long; done twice, all of this is harmless. */
const leaseMs = 30_000;
/** As many as Node keeps connections to OpenRouter. */
const atOnce = 64;
const batch = 256;
/** What is due again by then is waited for in this run: a failed try, and what a run that was killed had taken hold of. */
const patienceMs = 30_000;
/** So many tries in one run; then it is for the next one. */
const triesARun = 6;
const msInDay = 24 * 3_600_000;

/**
 * Disables leavers' keys at OpenRouter, reads each back, and only then calls it revoked. What fails stays in the queue
 * and is tried again, in this run while `isPatient` and by every later one: nothing here gives up. Returns how many keys were
 * revoked. Can be killed anywhere and run again, also beside others.
 */
export async function revokeKeys(deps: Deps, signal: AbortSignal, isPatient: boolean): Promise<number> {
  let done = 0;
  for (let round = 0; !signal.aborted;) {
    const now = deps.clock();
    const claimed = await deps.revocations.claim(now, now + leaseMs, batch);
    if (claimed.length > 0) {
      done += await revokeAll(deps, claimed, signal);
      continue;
    }
    const nextAt = isPatient ? await deps.revocations.nextAt() : undefined;
    round += 1;
    if (nextAt === undefined || round > triesARun || nextAt - deps.clock() > patienceMs) break;
    await deps.wait(Math.max(nextAt - deps.clock(), 50), signal).catch(() => undefined);
  }
  return done;
}

async function revokeAll(
  deps: Deps,
  claimed: readonly { readonly row: KeyRow; readonly tries: number }[],
  signal: AbortSignal,
): Promise<number> {
  const seen: RevokedKey[] = [];
  let vanished = 0;
  try {
    await mapLimited(claimed, atOnce, async ({ row, tries }) => {
      try {
        const charge = await disableForGood(deps, row, signal);
        if (charge === undefined) {
          await endVanished(deps, row, clockActor);
          vanished += 1;
        } else {
          seen.push({ row, charge });
        }
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        await deps.revocations.retry(row.id, deps.clock() + pauseBefore(tries, error.retryAfter, Math.random()));
      }
    });
  } finally {
    await deps.revocations.confirm(seen, deps.clock());
  }
  return seen.length + vanished;
}

/** The charge of a key that was seen disabled; undefined when OpenRouter no longer has it. Throws UpstreamError. */
async function disableForGood(deps: Deps, row: KeyRow, signal: AbortSignal): Promise<RevokedKey["charge"] | undefined> {
  if (row.upstreamHash === null) return undefined;
  const told = await deps.provisioner.updateKey(row.upstreamHash, { disabled: true }, signal);
  if (told === undefined) return undefined;
  const upstream = await deps.provisioner.getKey(row.upstreamHash, signal);
  if (upstream === undefined) return undefined;
  if (!upstream.disabled) {
    throw new UpstreamError("unavailable", "OpenRouter took a key's disabling and shows it enabled all the same.");
  }
  return chargeAtEnd(row, windowSpendUsd(upstream), deps.clock());
}

/** Deletes revoked keys at OpenRouter that were kept for long enough. Returns how many. */
export async function eraseKept(deps: Deps, keptForDays: number, signal: AbortSignal): Promise<number> {
  for (let erased = 0; ;) {
    const now = deps.clock();
    const kept = signal.aborted
      ? []
      : await deps.revocations.claimKept(now - keptForDays * msInDay, now, now + leaseMs, batch);
    if (kept.length === 0) return erased;
    for (const row of kept) {
      try {
        if (row.upstreamHash !== null) await deps.provisioner.deleteKey(row.upstreamHash, signal);
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error;
        // Its lease runs out, and the next run tries again.
        return erased;
      }
      await deps.keys.end({
        keyId: row.id,
        ending: "erase",
        charge: chargeAtEnd(row, 0, deps.clock()),
        now: deps.clock(),
        audit: {
          actor: clockActor,
          verb: "key.erase",
          targetId: row.id,
          ownerId: row.ownerId,
          before: { name: row.name },
          after: null,
          at: deps.clock(),
        },
      });
      erased += 1;
    }
  }
}
