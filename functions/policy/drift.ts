import type { Phase } from "./key-phase.ts";

/** What OpenRouter's list says of a key with this deployment's mark. */
export interface ListedKey {
  readonly hash: string;
  readonly disabled: boolean;
  readonly limitCents: number | undefined;
}

export interface RowFacts {
  readonly phase: Phase;
  readonly upstreamHash: string | null;
  readonly disabled: boolean;
  readonly limitCents: number;
}

/**
 * What is to be done about a listed key. "orphan" is a key without any row, which no crash can leave: many of them
 * mean that the database is not the one they were made with. "stray" is what a crash left beside a row.
 */
export type Drift = "none" | "orphan" | "stray" | "look";

/**
 * Compares a listed key with its row, which was read after the list. What a list says may be old by then, so that
 * "look" only means: ask OpenRouter about this key while nobody else changes it.
 */
export function driftOf(listed: ListedKey, row: RowFacts | undefined): Drift {
  if (row === undefined) return "orphan";
  switch (row.phase) {
    case "reserved":
      // Somebody is making it, or the sweep clears it away.
      return "none";
    case "released":
    case "deleted":
    case "retired":
    case "expired":
    case "erased":
    case "gone":
      return "stray";
    case "live":
    case "retiring":
      if (row.upstreamHash !== listed.hash) return "stray";
      return row.disabled === listed.disabled && row.limitCents === listed.limitCents ? "none" : "look";
    case "revoking":
      return row.upstreamHash === listed.hash ? "none" : "stray";
    case "revoked":
      if (row.upstreamHash !== listed.hash) return "stray";
      return listed.disabled ? "none" : "look";
  }
}

/** What brings a key and its row together, from what OpenRouter says now. Disabled on one side is disabled on both. */
export interface Repair {
  readonly disableUpstream: boolean;
  readonly disableRow: boolean;
  readonly fitLimit: boolean;
}

export function repairOf(row: RowFacts, upstream: ListedKey): Repair {
  const isLive = row.phase === "live" || row.phase === "retiring";
  const shouldBeDisabled = row.disabled || !isLive;
  return {
    disableUpstream: shouldBeDisabled && !upstream.disabled,
    disableRow: isLive && !row.disabled && upstream.disabled,
    fitLimit: isLive && row.limitCents !== upstream.limitCents,
  };
}

/**
 * More of one kind than this at once is no repair but a mistake elsewhere: another account's management key, say, or a
 * database put back from an old copy. Then nothing of that kind is done, and an administrator is told.
 */
export function mostRepairs(keys: number): number {
  const share = keys * 0.05;
  return share > 5 ? share : 5;
}
