import { and, desc, eq, gt, ilike, inArray, lte, or, sql } from "drizzle-orm";
import type { SQL } from "drizzle-orm";

import { livePhases, shownPhases } from "../../policy/key-phase.ts";
import type { OwnedKeyState } from "../../policy/key-state.ts";
import type { CompanyKey, CompanyKeysQuery } from "../../services/key-store.ts";
import type { Database } from "./database.ts";
import { toKeyRow, toSeenSpend } from "./key-row.ts";
import { olderThan } from "./page-place.ts";
import { keySpend, keys, owners, shownKeyChanges } from "./schema.ts";

export async function companyKey(database: Database, keyId: string): Promise<CompanyKey | undefined> {
  const [row] = await select(database).where(
    and(eq(keys.id, keyId), sql`${keys.phase} not in ('reserved', 'released')`),
  );
  return row === undefined ? undefined : toCompanyKey(row);
}

/** Walks an index from newest to oldest, so that a page costs the same wherever it lies and however many follow. */
export async function companyKeys(database: Database, query: CompanyKeysQuery): Promise<readonly CompanyKey[]> {
  const isAfter = olderThan({ time: keys.createdAt, id: keys.id }, query.after);
  const rows = await select(database)
    .where(and(isShown, inState(query.state, query.now), mentions(query.q), isAfter))
    .orderBy(desc(keys.createdAt), desc(keys.id))
    .limit(query.limit);
  return rows.map(toCompanyKey);
}

export async function countCompanyKeys(
  database: Database,
  query: Pick<CompanyKeysQuery, "q" | "state" | "now">,
): Promise<number> {
  if (query.q === undefined && query.state === undefined) return countShown(database);
  const [counted] = await database
    .select({ count: sql<number>`count(*)::int` })
    .from(keys)
    .innerJoin(owners, eq(owners.id, keys.ownerId))
    .where(and(isShown, inState(query.state, query.now), mentions(query.q)));
  return counted?.count ?? 0;
}

/** More changes than this are summed up into one; below, it is not worth a write. */
const mostChanges = 1_000;

async function countShown(database: Database): Promise<number> {
  const [sum] = await database
    .select({ total: sql<number>`coalesce(sum(${shownKeyChanges.change}), 0)::int`, rows: sql<number>`count(*)::int` })
    .from(shownKeyChanges);
  if ((sum?.rows ?? 0) > mostChanges) {
    // One statement, so that nothing is lost between; rows that others have locked wait for the next time.
    await database.execute(sql`
      with summed as (
        delete from ${shownKeyChanges} where id in (select id from ${shownKeyChanges} for update skip locked) returning change
      )
      insert into ${shownKeyChanges} (change) select coalesce(sum(change), 0) from summed`);
  }
  return sum?.total ?? 0;
}

const isShown = sql`${keys.phase} in ${sql.raw(`(${shownPhases.map((phase) => `'${phase}'`).join(", ")})`)}`;

function select(database: Database) {
  return database
    .select()
    .from(keys)
    .innerJoin(owners, eq(owners.id, keys.ownerId))
    .leftJoin(keySpend, eq(keySpend.keyId, keys.id))
    .$dynamic();
}

function inState(state: OwnedKeyState | undefined, now: number): SQL | undefined {
  const at = new Date(now);
  const isCurrent = and(inArray(keys.phase, [...livePhases]), gt(keys.expiresAt, at));
  switch (state) {
    case undefined:
      return undefined;
    case "active":
      return and(eq(keys.phase, "live"), gt(keys.expiresAt, at), eq(keys.disabled, false));
    case "retiring":
      return and(eq(keys.phase, "retiring"), gt(keys.expiresAt, at), eq(keys.disabled, false));
    case "disabled":
      return and(isCurrent, eq(keys.disabled, true));
    case "expired":
      return or(eq(keys.phase, "expired"), and(inArray(keys.phase, [...livePhases]), lte(keys.expiresAt, at)));
    case "revoked":
      return inArray(keys.phase, ["revoking", "revoked"]);
    case "gone":
      return eq(keys.phase, state);
  }
}

/** A part of the name or of the owner's e-mail, in either case; the text's own wildcards are taken as they are. */
function mentions(q: string | undefined): SQL | undefined {
  if (q === undefined) return undefined;
  const pattern = `%${q.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`;
  return or(ilike(keys.name, pattern), ilike(owners.email, pattern));
}

function toCompanyKey(row: {
  keys: typeof keys.$inferSelect;
  owners: typeof owners.$inferSelect;
  key_spend: typeof keySpend.$inferSelect | null;
}): CompanyKey {
  return {
    row: toKeyRow(row.keys),
    ownerEmail: row.owners.email,
    seen: row.key_spend === null ? undefined : toSeenSpend(row.key_spend),
  };
}
