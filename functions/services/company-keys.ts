import type { OwnedKeyState } from "../policy/key-state.ts";
import type { FoundKey } from "./change-key.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { CompanyKey, CompanyKeysQuery } from "./key-store.ts";
import { refreshSpend, spendAge } from "./refresh-spend.ts";

/** Older spend is refreshed when an administrator looks. */
const freshMs = 30_000;
/** How long the administrator waits for that; it goes on afterwards. */
const patienceMs = 2_000;
const refreshMs = 5 * 60_000;

export interface CompanyKeysPage {
  readonly keys: readonly CompanyKey[];
  readonly next: CompanyKeysQuery["after"];
  readonly total: number;
  readonly spendAsOf: number | undefined;
  readonly spendComplete: boolean;
}

/** A page of all keys from the table, with the spend last seen. OpenRouter being away makes it older, not shorter. */
export async function listCompanyKeys(
  deps: Deps,
  query: {
    readonly q: string | undefined;
    readonly state: OwnedKeyState | undefined;
    readonly after: CompanyKeysQuery["after"];
    readonly limit: number;
  },
): Promise<CompanyKeysPage> {
  if (query.after === undefined) await freshen(deps);
  const now = deps.clock();
  // One more than asked for tells whether there is another page.
  const [found, total, age] = await Promise.all([
    deps.keys.companyKeys({ ...query, limit: query.limit + 1, now }),
    deps.keys.countCompanyKeys({ q: query.q, state: query.state, now }),
    spendAge(deps),
  ]);
  const keys = found.slice(0, query.limit);
  const last = keys.at(-1);
  return {
    keys,
    next:
      found.length > query.limit && last !== undefined ? { createdAt: last.row.createdAt, id: last.row.id } : undefined,
    total,
    spendAsOf: age.asOf,
    spendComplete: age.complete,
  };
}

async function freshen(deps: Deps): Promise<void> {
  const { asOf } = await spendAge(deps);
  if (asOf !== undefined && deps.clock() - asOf < freshMs) return;
  const refreshing = refreshSpend(deps, AbortSignal.timeout(refreshMs));
  deps.afterAnswer(refreshing);
  const stop = new AbortController();
  const patience = deps.wait(patienceMs, stop.signal);
  // What goes wrong in a refresh shows in the age of the spend; the page does not depend on it.
  await Promise.race([refreshing, patience]).catch(() => undefined);
  stop.abort();
  await patience.catch(() => undefined);
}

/** Any key that this function has made; nothing is asked of OpenRouter about any other. */
export async function findCompanyKey(deps: Deps, keyId: string): Promise<FoundKey> {
  const found = await deps.keys.companyKey(keyId);
  if (found === undefined) throw new ServiceError("not_found", "There is no such key here.");
  return { row: found.row, ownerEmail: found.ownerEmail };
}
