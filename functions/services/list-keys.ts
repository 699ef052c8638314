import { keyState } from "../policy/key-state.ts";
import type { OwnedKeyState } from "../policy/key-state.ts";
import type { Owner } from "./account-store.ts";
import { clockActor } from "./audit.ts";
import { endVanished } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import type { KeyRow, SeenSpend } from "./key-store.ts";
import type { UpstreamKey } from "./provisioner.ts";
import { UpstreamError } from "./provisioner.ts";

/** A key as its owner sees it. `upstream` is undefined when OpenRouter could not be asked, or need not be. */
export interface OwnedKey {
  readonly row: KeyRow;
  readonly state: OwnedKeyState;
  readonly upstream: SeenSpend | undefined;
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
  const answers = await Promise.all(rows.map(({ row, seen }) => withSpend(deps, row, seen, now, signal)));
  const fresh = answers.flatMap(({ upstream, isNews }) => (upstream !== undefined && isNews ? [upstream] : []));
  await deps.keys.saveSpend(fresh, now);
  const keys = answers.flatMap(({ key }) => (key === undefined ? [] : [key]));
  return { keys, asOf: now, complete: answers.every(({ isAnswered }) => isAnswered) };
}

interface AnsweredKey {
  readonly key: OwnedKey | undefined;
  readonly upstream: UpstreamKey | undefined;
  readonly isAnswered: boolean;
  /** Whether it says anything that was not known before. */
  readonly isNews: boolean;
}

async function withSpend(
  deps: Deps,
  row: KeyRow,
  seen: SeenSpend | undefined,
  now: number,
  signal: AbortSignal,
): Promise<AnsweredKey> {
  const shown = (state: OwnedKeyState | undefined, upstream?: UpstreamKey, isAnswered = true): AnsweredKey => ({
    key: state === undefined ? undefined : { row, state, upstream },
    upstream,
    isAnswered,
    isNews: upstream !== undefined && (seen === undefined || isOther(seen, upstream)),
  });
  const state = keyState(row, now);
  if ((row.phase !== "live" && row.phase !== "retiring") || row.upstreamHash === null) return shown(state);
  try {
    const upstream = await deps.provisioner.getKey(row.upstreamHash, signal);
    if (upstream !== undefined) return shown(state, upstream);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    return shown(state, undefined, false);
  }
  await endVanished(deps, row, clockActor);
  return shown("gone");
}

function isOther(seen: SeenSpend, upstream: SeenSpend): boolean {
  return (
    seen.limitUsd !== upstream.limitUsd ||
    seen.remainingUsd !== upstream.remainingUsd ||
    seen.dayUsd !== upstream.dayUsd ||
    seen.weekUsd !== upstream.weekUsd ||
    seen.monthUsd !== upstream.monthUsd
  );
}
