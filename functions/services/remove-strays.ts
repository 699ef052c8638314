import { readMark } from "../policy/key-mark.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow } from "./key-store.ts";

/** Clocks of the function and of OpenRouter may differ by this much: one of them may have jumped by a day. */
const skewMs = 25 * 3_600_000;

/**
 * Deletes every upstream key that an attempt at the reservation up to `lastAttempt` has left. The walk goes newest
 * first and stops at keys older than the reservation. Throws UpstreamError; repeatable.
 */
export async function removeStrays(
  deps: Pick<Deps, "keys" | "provisioner">,
  row: KeyRow,
  lastAttempt: number,
  signal: AbortSignal,
): Promise<void> {
  const deployment = await deps.keys.deployment();
  for await (const page of deps.provisioner.walkKeys(row.workspaceId ?? undefined, signal)) {
    for (const key of page) {
      const mark = readMark(key.name);
      if (mark?.deployment !== deployment || mark.keyId !== row.id || mark.attempt > lastAttempt) continue;
      await deps.provisioner.deleteKey(key.hash, signal);
    }
    const oldest = page.at(-1)?.createdAt;
    if (oldest !== undefined && oldest.getTime() < row.createdAt - skewMs) break;
  }
}
