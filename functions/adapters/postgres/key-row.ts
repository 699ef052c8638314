import { and, asc, eq, gt, inArray, lt, lte, or, sql } from "drizzle-orm";
import type { Placeholder, SQL } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

import type { PlanFacts } from "../../policy/allowance.ts";
import { livePhases } from "../../policy/key-phase.ts";
import type { AttemptRef, KeyRow, SeenSpend } from "../../services/key-store.ts";
import type { Database } from "./database.ts";
import type { keySpend } from "./schema.ts";
import { keys, owners } from "./schema.ts";
import { statement } from "./statement.ts";

const hourMs = 3_600_000;

export function toKeyRow(row: typeof keys.$inferSelect): KeyRow {
  return {
    id: row.id,
    ownerId: row.ownerId,
    name: row.name,
    label: row.label,
    upstreamHash: row.upstreamHash,
    attempt: row.attempt,
    workspaceId: row.workspaceId,
    phase: row.phase,
    disabled: row.disabled,
    adminHold: row.adminHold,
    limitCents: row.limitCents,
    wantedCents: row.wantedCents,
    reset: row.reset,
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt.getTime(),
    replacesId: row.replacesId,
    retireAt: row.retireAt?.getTime() ?? null,
  };
}

export function toSeenSpend(row: typeof keySpend.$inferSelect): SeenSpend & { readonly at: number } {
  return {
    limitUsd: row.limitUsd,
    remainingUsd: row.remainingUsd,
    dayUsd: row.dayUsd,
    weekUsd: row.weekUsd,
    monthUsd: row.monthUsd,
    at: row.seenAt.getTime(),
  };
}

/**
 * The lock under which an owner's cap, allowance and rate are counted: changes of one owner's keys queue here. Whatever
 * changes more than one of their rows takes it first, so that no two wait for each other in a ring. Not "for update":
 * that would also wait for every row that refers to the owner, such as an entry of the record.
 */
export async function lockOwner(transaction: Database, ownerId: string): Promise<{ readonly hasLeft: boolean }> {
  const [owner] = await selectLocked(transaction, { ownerId });
  return { hasLeft: owner === undefined || owner.blockedAt !== null };
}

const selectLocked = statement((database) =>
  database
    .select({ blockedAt: owners.blockedAt })
    .from(owners)
    .where(eq(owners.id, sql.placeholder("ownerId")))
    .for("no key update"),
);

/** The owner's lock, by one of their keys; undefined when there is no such key. */
export async function lockOwnerOf(transaction: Database, keyId: string): Promise<string | undefined> {
  const [key] = await transaction.select({ ownerId: keys.ownerId }).from(keys).where(eq(keys.id, keyId));
  if (key !== undefined) await lockOwner(transaction, key.ownerId);
  return key?.ownerId;
}

/** What has become free may be what another key of the owner's is waiting for: its limit is due to be looked at. */
export async function wakeWaiting(transaction: Database, ownerId: string, at: Date): Promise<void> {
  await transaction
    .update(keys)
    .set({ fitAt: at })
    .where(and(eq(keys.ownerId, ownerId), eq(keys.phase, "live"), lt(keys.limitCents, keys.wantedCents)));
}

export function isLive() {
  return inArray(keys.phase, [...livePhases]);
}

/**
 * Takes hold of up to `limit` keys, those first whose `order` is earliest. What somebody else is taking at this moment
 * is passed over, so that nobody waits and no two get the same one.
 */
export async function claimKeys(
  database: Database,
  {
    where,
    order,
    limit,
    leaseUntil,
  }: { where: SQL | undefined; order: AnyPgColumn; limit: number; leaseUntil: number },
): Promise<readonly (typeof keys.$inferSelect)[]> {
  const free = database
    .select({ id: keys.id })
    .from(keys)
    .where(where)
    .orderBy(asc(order))
    .limit(limit)
    .for("update", { skipLocked: true });
  return database
    .update(keys)
    .set({ leaseUntil: new Date(leaseUntil) })
    .where(inArray(keys.id, free))
    .returning();
}

/** A reservation that this attempt still holds. */
export function isHeld(reference: AttemptRef | { readonly keyId: Placeholder; readonly attempt: Placeholder }) {
  return and(eq(keys.id, reference.keyId), eq(keys.attempt, reference.attempt), eq(keys.phase, "reserved"));
}

/** A live key that nobody else is clearing away. */
export function isFree(now: number) {
  return and(isLive(), lte(keys.leaseUntil, new Date(now)));
}

/** Keys whose time is over but which are not cleared away: expired, or replaced and past their grace. */
export function isOverdue(now: Date | Placeholder) {
  return and(isLive(), or(lte(keys.expiresAt, now), lte(keys.retireAt, now)));
}

export async function readFacts(database: Database, ownerId: string, now: number): Promise<PlanFacts> {
  const [facts] = await selectFacts(database, {
    ownerId,
    now: new Date(now).toISOString(),
    anHourAgo: new Date(now - hourMs).toISOString(),
  });
  return {
    now,
    liveKeys: facts?.live ?? 0,
    retiringKeys: facts?.retiring ?? 0,
    overdueKeys: facts?.overdue ?? 0,
    takenCents: (facts?.limits ?? 0) + (facts?.charges ?? 0),
    recentCreates: facts?.recent ?? [],
  };
}

const selectFacts = statement((database) => {
  const now = sql.placeholder("now");
  const isCurrent = gt(keys.expiresAt, now);
  return database
    .select({
      live: sql<number>`count(*) filter (where ${and(inArray(keys.phase, ["reserved", "live"]), isCurrent)})::int`,
      retiring: sql<number>`count(*) filter (where ${and(eq(keys.phase, "retiring"), isCurrent)})::int`,
      overdue: sql<number>`count(*) filter (where ${isOverdue(now)})::int`,
      limits: sql<number>`coalesce(sum(${keys.limitCents}) filter (where ${inArray(keys.phase, ["reserved", ...livePhases, "revoking"])}), 0)::float8`,
      charges: sql<number>`coalesce(sum(${keys.chargedCents}) filter (where ${gt(keys.chargedUntil, now)}), 0)::float8`,
      // As JSON: drivers differ in how they read arrays.
      recent: sql<
        number[] | null
      >`json_agg(extract(epoch from ${keys.createdAt})::float8 * 1000 order by ${keys.createdAt}) filter (where ${gt(keys.createdAt, sql.placeholder("anHourAgo"))})`,
    })
    .from(keys)
    .where(eq(keys.ownerId, sql.placeholder("ownerId")));
});
