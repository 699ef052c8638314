import type { OwnedKeyState } from "../policy/key-state.ts";
import { keyState } from "../policy/key-state.ts";
import type { Owner } from "./account-store.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow } from "./key-store.ts";
import type { UpstreamKey } from "./provisioner.ts";
import { UpstreamError } from "./provisioner.ts";

/** A key as its owner sees it. `upstream` is undefined when OpenRouter could not be asked, or need not be. */
export interface OwnedKey {
  readonly row: KeyRow;
  readonly state: OwnedKeyState;
  readonly upstream: UpstreamKey | undefined;
}

/** How long the owner waits for OpenRouter before the list is shown without spend. */
const spendWaitMs = 5_000;

/**
 * The owner's keys with their spend: one request a key, all at once, so one round trip whatever the company's size.
 * When OpenRouter does not answer for some, those are shown without spend and `complete` is false.
 */
export async function listKeys(
  deps: Deps,
  owner: Owner,
): Promise<{ keys: readonly OwnedKey[]; asOf: number; complete: boolean }> {
  const now = deps.clock();
  const rows = await deps.keys.ownedKeys(owner.id);
  const signal = AbortSignal.timeout(spendWaitMs);
  const answers = await Promise.all(rows.map((row) => withSpend(deps, row, now, signal)));
  const keys = answers.filter((answer) => answer !== undefined);
  return {
    keys,
    asOf: now,
    complete: keys.every((key) => key.row.lifecycle === "ended" || key.upstream !== undefined),
  };
}

async function withSpend(deps: Deps, row: KeyRow, now: number, signal: AbortSignal): Promise<OwnedKey | undefined> {
  const state = keyState(row, now);
  if (state === undefined) return undefined;
  if (row.lifecycle === "ended" || row.upstreamHash === null) return { row, state, upstream: undefined };
  try {
    const upstream = await deps.provisioner.getKey(row.upstreamHash, signal);
    if (upstream !== undefined) return { row, state, upstream };
    await deps.keys.end(row.id, "gone", now);
    return { row: { ...row, lifecycle: "ended", endedAs: "gone" }, state: "gone", upstream: undefined };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return { row, state, upstream: undefined };
  }
}
