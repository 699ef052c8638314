import { and, asc, eq, inArray, lte, sql } from "drizzle-orm";

import { transitions } from "../../policy/key-phase.ts";
import type { AttemptRef, Confirmation, KeyRow, ReserveOutcome, ReserveRequest } from "../../services/key-store.ts";
import { auditAlong, auditValues } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { isHeld, lockOwner, lockOwnerOf, readFacts, toKeyRow, wakeWaiting } from "./key-row.ts";
import { idempotency, keys, raises } from "./schema.ts";
import { statement } from "./statement.ts";

export async function reserve(database: Database, request: ReserveRequest): Promise<ReserveOutcome> {
  const reserved = await database.transaction((transaction) => reserveLocked(transaction, request));
  if (reserved.kind !== "written") return reserved;
  const [row] = await reserved.rows;
  if (row === undefined) throw new Error("The reservation was not written.");
  return { kind: "reserved", key: toKeyRow(row), attempt: 1 };
}

type Written = { readonly kind: "written"; readonly rows: ReturnType<typeof insertReservation> };

async function reserveLocked(transaction: Database, request: ReserveRequest): Promise<ReserveOutcome | Written> {
  // All three on one way there and back: a connection keeps their order, and each statement sees what is there when it
  // begins, so the other two see what whoever held the lock has done.
  const [{ hasLeft }, [earlier], facts] = await Promise.all([
    lockOwner(transaction, request.ownerId),
    selectEarlier(transaction, { ownerId: request.ownerId, key: request.idempotencyKey }),
    readFacts(transaction, request.ownerId, request.now),
  ]);
  if (hasLeft) return { kind: "offboarded" };
  if (earlier !== undefined) {
    if (earlier.idempotency.bodyHash !== request.bodyHash) return { kind: "mismatch" };
    return resume(transaction, earlier.keys, request);
  }

  const replaced = request.replacesId === undefined ? undefined : await readReplaced(transaction, request);
  if (replaced === "no-such-key" || replaced === "replaced") return { kind: replaced };
  const decision = request.decide(facts, replaced);
  if (decision.kind !== "grant") return { kind: "refused", decision, overdue: facts.overdueKeys };
  const rows = insertReservation(transaction, {
    keyId: request.keyId,
    ownerId: request.ownerId,
    name: request.name ?? replaced?.name ?? "",
    limitCents: decision.limitCents,
    wantedCents: decision.wantedCents,
    reset: request.reset,
    workspaceId: request.workspaceId ?? null,
    createdAt: new Date(request.now),
    expiresAt: new Date(decision.expiresAt),
    replacesId: request.replacesId ?? null,
    leaseUntil: new Date(request.leaseUntil),
    idempotencyKey: request.idempotencyKey,
    bodyHash: request.bodyHash,
  });
  // Not awaited here: the commit is sent right behind it. Where it fails, the commit takes everything back, and the
  // failure is met by whoever awaits the rows.
  rows.catch(() => undefined);
  return { kind: "written", rows };
}

const selectEarlier = statement((database) =>
  database
    .select()
    .from(idempotency)
    .innerJoin(keys, eq(keys.id, idempotency.keyId))
    .where(and(eq(idempotency.ownerId, sql.placeholder("ownerId")), eq(idempotency.key, sql.placeholder("key")))),
);

/** The key's row and its idempotency key, in one statement. */
const insertReservation = statement((database) => {
  const made = database.$with("made").as(
    database
      .insert(keys)
      .values({
        id: sql.placeholder("keyId"),
        ownerId: sql.placeholder("ownerId"),
        name: sql.placeholder("name"),
        phase: "reserved",
        limitCents: sql.placeholder("limitCents"),
        wantedCents: sql.placeholder("wantedCents"),
        reset: sql.placeholder("reset"),
        workspaceId: sql.placeholder("workspaceId"),
        createdAt: sql.placeholder("createdAt"),
        expiresAt: sql.placeholder("expiresAt"),
        replacesId: sql.placeholder("replacesId"),
        attempt: 1,
        leaseUntil: sql.placeholder("leaseUntil"),
      })
      .returning(),
  );
  const remembered = database.$with("remembered").as(
    database.insert(idempotency).values({
      ownerId: sql.placeholder("ownerId"),
      key: sql.placeholder("idempotencyKey"),
      bodyHash: sql.placeholder("bodyHash"),
      keyId: sql.placeholder("keyId"),
      createdAt: sql.placeholder("createdAt"),
    }),
  );
  return database.with(made, remembered).select().from(made);
});

async function readReplaced(
  transaction: Database,
  request: ReserveRequest,
): Promise<(KeyRow & { isRaised: boolean }) | "no-such-key" | "replaced"> {
  const keyId = request.replacesId ?? "";
  const [old] = await transaction
    .select()
    .from(keys)
    .where(and(eq(keys.id, keyId), eq(keys.ownerId, request.ownerId)));
  if (old === undefined || old.phase === "reserved" || old.phase === "released") return "no-such-key";
  const [successor] = await transaction
    .select({ id: keys.id })
    .from(keys)
    .where(and(eq(keys.replacesId, keyId), inArray(keys.phase, ["reserved", "live", "retiring"])));
  if (successor !== undefined) return "replaced";
  const [raise] = await transaction
    .select({ id: raises.id })
    .from(raises)
    .where(and(eq(raises.keyId, keyId), eq(raises.state, "approved")));
  return { ...toKeyRow(old), isRaised: raise !== undefined };
}

async function resume(
  transaction: Database,
  row: typeof keys.$inferSelect,
  request: ReserveRequest,
): Promise<ReserveOutcome> {
  if (row.phase !== "reserved") {
    const isOpen =
      (row.phase === "live" || row.phase === "retiring") &&
      row.sealedUntil !== null &&
      row.sealedUntil.getTime() > request.now;
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

export async function confirm(database: Database, confirmation: Confirmation): Promise<boolean> {
  const { replaces } = confirmation;
  if (replaces === undefined) return (await confirmHeld(database, confirmation)) !== undefined;
  return database.transaction(async (transaction) => {
    await lockOwnerOf(transaction, confirmation.keyId);
    const key = await confirmHeld(transaction, confirmation);
    if (key === undefined) return false;
    const retireAt = new Date(replaces.retireAt);
    // The old one gives its room up for good, and its raise to its successor. What OpenRouter has yet to be told of the
    // limit that it keeps is told.
    await transaction
      .update(keys)
      .set({
        phase: transitions.replace.to,
        retireAt,
        wantedCents: keys.limitCents,
        fitAt: sql`case when ${keys.limitCents} < ${keys.wantedCents} then null else ${keys.fitAt} end`,
      })
      .where(and(eq(keys.id, replaces.id), inArray(keys.phase, [...transitions.replace.from])));
    await transaction
      .update(raises)
      .set({ keyId: confirmation.keyId })
      .where(and(eq(raises.keyId, replaces.id), inArray(raises.state, ["waiting", "approved"])));
    if (key.limitCents < key.wantedCents) {
      // Not due before there is room, unless a raise that was approved meanwhile has made it due already.
      await transaction
        .update(keys)
        .set({ fitAt: sql`coalesce(${keys.fitAt}, ${retireAt.toISOString()}::timestamptz)` })
        .where(eq(keys.id, confirmation.keyId));
    }
    return true;
  });
}

/** Undefined when another attempt has taken the reservation over; then nothing is in the record either. */
async function confirmHeld(
  database: Database,
  confirmation: Confirmation,
): Promise<{ readonly limitCents: number; readonly wantedCents: number } | undefined> {
  const [confirmed] = await updateHeld(database, {
    keyId: confirmation.keyId,
    attempt: confirmation.attempt,
    upstreamHash: confirmation.upstreamHash,
    label: confirmation.label,
    sealedSecret: confirmation.sealedSecret,
    sealedUntil: new Date(confirmation.sealedUntil).toISOString(),
    ...auditValues(confirmation.audit),
  });
  return confirmed;
}

/** The key's row and the entry in the record, in one statement. */
const updateHeld = statement((database) => {
  const confirmed = database.$with("confirmed").as(
    database
      .update(keys)
      .set({
        phase: transitions.confirm.to,
        upstreamHash: sql`${sql.placeholder("upstreamHash")}`,
        label: sql`${sql.placeholder("label")}`,
        sealedSecret: sql`${sql.placeholder("sealedSecret")}`,
        sealedUntil: sql`${sql.placeholder("sealedUntil")}`,
        leaseUntil: new Date(0),
      })
      .where(isHeld({ keyId: sql.placeholder("keyId"), attempt: sql.placeholder("attempt") }))
      .returning({ limitCents: keys.limitCents, wantedCents: keys.wantedCents }),
  );
  return database.with(confirmed, auditAlong(database, confirmed)).select().from(confirmed);
});

export function release(database: Database, reference: AttemptRef): Promise<void> {
  return database.transaction((transaction) => releaseLocked(transaction, reference));
}

async function releaseLocked(transaction: Database, reference: AttemptRef): Promise<void> {
  const ownerId = await lockOwnerOf(transaction, reference.keyId);
  const released = await transaction
    .update(keys)
    .set({ phase: transitions.release.to })
    .where(isHeld(reference))
    .returning({ id: keys.id });
  if (released.length === 0 || ownerId === undefined) return;
  await transaction.delete(idempotency).where(eq(idempotency.keyId, reference.keyId));
  // A key that made room for this one, say, gets its limit back.
  await wakeWaiting(transaction, ownerId, new Date(0));
}

export function claimAbandoned(database: Database, now: number, leaseUntil: number): Promise<KeyRow | undefined> {
  return database.transaction(async (transaction) => {
    const [row] = await transaction
      .select()
      .from(keys)
      .where(and(inArray(keys.phase, [...transitions.takeOver.from]), lte(keys.leaseUntil, new Date(now))))
      .orderBy(asc(keys.leaseUntil))
      .limit(1)
      .for("update", { skipLocked: true });
    return row === undefined ? undefined : takeOver(transaction, row, leaseUntil);
  });
}
