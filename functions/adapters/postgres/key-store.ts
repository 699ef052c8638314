import { and, asc, desc, eq, gt, inArray, lte, or, sql } from "drizzle-orm";

import type { CreateFacts } from "../../policy/create-key.ts";
import type { KeyRow, KeyStore, ReserveOutcome, ReserveRequest } from "../../services/key-store.ts";
import type { Database } from "./database.ts";
import { deployment, idempotency, keys, owners } from "./schema.ts";

const hourMs = 3_600_000;

export function createKeyStore(database: Database): KeyStore {
  let mark: string | undefined;
  return {
    async deployment() {
      mark ??= await readDeployment(database);
      return mark;
    },

    reserve: (request) => database.transaction((transaction) => reserve(transaction, request)),

    async confirm(confirmation) {
      const confirmed = await database
        .update(keys)
        .set({
          lifecycle: "live",
          upstreamHash: confirmation.upstreamHash,
          label: confirmation.label,
          sealedSecret: confirmation.sealedSecret,
          sealedUntil: new Date(confirmation.sealedUntil),
        })
        .where(
          and(
            eq(keys.id, confirmation.keyId),
            eq(keys.attempt, confirmation.attempt),
            or(
              eq(keys.lifecycle, "reserved"),
              and(eq(keys.lifecycle, "live"), eq(keys.upstreamHash, confirmation.upstreamHash)),
            ),
          ),
        )
        .returning({ id: keys.id });
      return confirmed.length === 1;
    },

    release: (reference, now) =>
      database.transaction(async (transaction) => {
        const released = await transaction
          .update(keys)
          .set({ lifecycle: "ended", endedAs: "released", endedAt: new Date(now) })
          .where(isHeld(reference))
          .returning({ id: keys.id });
        if (released.length === 1) {
          await transaction.delete(idempotency).where(eq(idempotency.keyId, reference.keyId));
        }
      }),

    async endLease(reference, now) {
      await database
        .update(keys)
        .set({ leaseUntil: new Date(now) })
        .where(isHeld(reference));
    },

    claimAbandoned: (now, leaseUntil) =>
      database.transaction(async (transaction) => {
        const [row] = await transaction
          .select()
          .from(keys)
          .where(and(eq(keys.lifecycle, "reserved"), lte(keys.leaseUntil, new Date(now))))
          .orderBy(asc(keys.leaseUntil))
          .limit(1)
          .for("update", { skipLocked: true });
        return row === undefined ? undefined : takeOver(transaction, row, leaseUntil);
      }),

    facts: (ownerId, now) => readFacts(database, ownerId, now),

    async ownedKeys(ownerId) {
      const rows = await database
        .select()
        .from(keys)
        .where(eq(keys.ownerId, ownerId))
        .orderBy(desc(keys.createdAt), asc(keys.id));
      return rows.map(toKeyRow);
    },

    async ownedKey(ownerId, keyId) {
      const [row] = await database
        .select()
        .from(keys)
        .where(and(eq(keys.id, keyId), eq(keys.ownerId, ownerId)));
      return row === undefined ? undefined : toKeyRow(row);
    },

    async received(ownerId, keyId) {
      const erased = await database
        .update(keys)
        .set({ sealedSecret: null })
        .where(and(eq(keys.id, keyId), eq(keys.ownerId, ownerId), inArray(keys.lifecycle, ["live", "ended"])))
        .returning({ id: keys.id });
      return erased.length === 1;
    },

    async update(keyId, change) {
      const [row] = await database
        .update(keys)
        .set(change)
        .where(and(eq(keys.id, keyId), eq(keys.lifecycle, "live")))
        .returning();
      return row === undefined ? undefined : toKeyRow(row);
    },

    async end(keyId, endedAs, now) {
      // A revoked key stays revoked in the record; one that vanished may still be deleted by its owner.
      const may =
        endedAs === "deleted" ? or(eq(keys.lifecycle, "live"), eq(keys.endedAs, "gone")) : eq(keys.lifecycle, "live");
      await database
        .update(keys)
        .set({ lifecycle: "ended", endedAs, endedAt: new Date(now), sealedSecret: null })
        .where(and(eq(keys.id, keyId), may));
    },
  };
}

function isHeld(reference: { keyId: string; attempt: number }) {
  return and(eq(keys.id, reference.keyId), eq(keys.attempt, reference.attempt), eq(keys.lifecycle, "reserved"));
}

async function readDeployment(database: Database): Promise<string> {
  const fresh = crypto.randomUUID().slice(0, 8);
  await database.insert(deployment).values({ mark: fresh }).onConflictDoNothing();
  const [row] = await database.select().from(deployment);
  if (row === undefined) throw new Error("The deployment's row is missing right after it was written.");
  return row.mark;
}

async function reserve(transaction: Database, request: ReserveRequest): Promise<ReserveOutcome> {
  // The owner's row is the lock under which cap, allowance and rate are counted: requests of one owner queue here.
  await transaction.select({ id: owners.id }).from(owners).where(eq(owners.id, request.ownerId)).for("update");
  const [earlier] = await transaction
    .select()
    .from(idempotency)
    .innerJoin(keys, eq(keys.id, idempotency.keyId))
    .where(and(eq(idempotency.ownerId, request.ownerId), eq(idempotency.key, request.idempotencyKey)));
  if (earlier !== undefined) {
    if (earlier.idempotency.bodyHash !== request.bodyHash) return { kind: "mismatch" };
    return resume(transaction, earlier.keys, request);
  }

  const decision = request.decide(await readFacts(transaction, request.ownerId, request.now));
  if (decision.kind !== "grant") return { kind: "refused", decision };
  const [row] = await transaction
    .insert(keys)
    .values({
      id: request.keyId,
      ownerId: request.ownerId,
      name: request.name,
      lifecycle: "reserved",
      limitCents: decision.limitCents,
      reset: request.reset,
      workspaceId: request.workspaceId ?? null,
      createdAt: new Date(request.now),
      expiresAt: new Date(decision.expiresAt),
      attempt: 1,
      leaseUntil: new Date(request.leaseUntil),
    })
    .returning();
  if (row === undefined) throw new Error("The reservation was not written.");
  await transaction.insert(idempotency).values({
    ownerId: request.ownerId,
    key: request.idempotencyKey,
    bodyHash: request.bodyHash,
    keyId: request.keyId,
    createdAt: new Date(request.now),
  });
  return { kind: "reserved", key: toKeyRow(row), attempt: 1 };
}

async function resume(
  transaction: Database,
  row: typeof keys.$inferSelect,
  request: ReserveRequest,
): Promise<ReserveOutcome> {
  if (row.lifecycle !== "reserved") {
    const isOpen = row.lifecycle === "live" && row.sealedUntil !== null && row.sealedUntil.getTime() > request.now;
    return { kind: "done", key: toKeyRow(row), sealedSecret: isOpen ? row.sealedSecret : null };
  }
  if (row.leaseUntil.getTime() > request.now) return { kind: "running" };
  const key = await takeOver(transaction, row, request.leaseUntil);
  return { kind: "reserved", key, attempt: key.attempt };
}

async function takeOver(transaction: Database, row: typeof keys.$inferSelect, leaseUntil: number): Promise<KeyRow> {
  const [taken] = await transaction
    .update(keys)
    .set({ attempt: row.attempt + 1, leaseUntil: new Date(leaseUntil) })
    .where(and(eq(keys.id, row.id), eq(keys.attempt, row.attempt)))
    .returning();
  if (taken === undefined) throw new Error("A locked reservation changed under its lock.");
  return toKeyRow(taken);
}

async function readFacts(database: Database, ownerId: string, now: number): Promise<CreateFacts> {
  const isLive = and(
    eq(keys.ownerId, ownerId),
    inArray(keys.lifecycle, ["reserved", "live"]),
    gt(keys.expiresAt, new Date(now)),
  );
  const [live] = await database
    .select({ count: sql<number>`count(*)::int`, cents: sql<number>`coalesce(sum(${keys.limitCents}), 0)::int` })
    .from(keys)
    .where(isLive);
  const recent = await database
    .select({ createdAt: keys.createdAt })
    .from(keys)
    .where(and(eq(keys.ownerId, ownerId), gt(keys.createdAt, new Date(now - hourMs))))
    .orderBy(asc(keys.createdAt));
  return {
    now,
    liveKeys: live?.count ?? 0,
    liveLimitCents: live?.cents ?? 0,
    recentCreates: recent.map((row) => row.createdAt.getTime()),
  };
}

function toKeyRow(row: typeof keys.$inferSelect): KeyRow {
  return {
    id: row.id,
    ownerId: row.ownerId,
    name: row.name,
    label: row.label,
    upstreamHash: row.upstreamHash,
    attempt: row.attempt,
    workspaceId: row.workspaceId,
    lifecycle: row.lifecycle,
    endedAs: row.endedAs,
    disabled: row.disabled,
    limitCents: row.limitCents,
    reset: row.reset,
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt.getTime(),
  };
}
