import type { AdminKey } from "../contract/admin.ts";
import type { Key } from "../contract/keys.ts";
import { keyState } from "../policy/key-state.ts";
import { nextReset } from "../policy/next-reset.ts";
import type { CompanyKey, KeyRow, SeenSpend } from "../services/key-store.ts";
import type { OwnedKey } from "../services/list-keys.ts";
import { windowSpendUsd } from "../services/provisioner.ts";

/** The one place that decides what of a key goes over the wire: no hash, no owner's id, no workspace. */
export function toKey({ row, state, upstream }: OwnedKey, now: number): Key {
  return {
    id: row.id,
    name: row.name,
    label: row.label,
    state,
    limitUsd: row.limitCents / 100,
    reset: row.reset,
    createdAt: isoTime(row.createdAt),
    expiresAt: isoTime(row.expiresAt),
    spend: upstream === undefined ? null : toSpend(row, upstream, now),
  };
}

/** A key that was just made: nothing is spent yet, and nobody has asked. */
export function toNewKey(row: KeyRow, now: number): Key {
  return toKey({ row, state: keyState(row, now) ?? "gone", upstream: undefined }, now);
}

/** Spend that was seen in a window that has ended counts for nothing in this one. */
export function toAdminKey({ row, ownerEmail, seen }: CompanyKey, now: number): AdminKey {
  const isOfThisWindow = seen !== undefined && nextReset(row.reset, seen.at) === nextReset(row.reset, now);
  const upstream = isOfThisWindow ? seen : undefined;
  return {
    ...toKey({ row, state: keyState(row, now) ?? "gone", upstream }, now),
    owner: { id: row.ownerId, label: ownerEmail },
  };
}

function toSpend(row: KeyRow, upstream: SeenSpend, now: number): Key["spend"] {
  return {
    windowUsd: money(windowSpendUsd(upstream)),
    remainingUsd: upstream.remainingUsd,
    resetsAt: isoTime(nextReset(row.reset, now)),
    dayUsd: upstream.dayUsd,
    weekUsd: upstream.weekUsd,
    monthUsd: upstream.monthUsd,
  };
}

/** Differences of floats are cut to a millionth of a dollar, OpenRouter's own grain. */
function money(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}

export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
