import { and, asc, desc, eq, inArray, isNotNull, lte, sql } from "drizzle-orm";

import { shownPhases, transitions } from "../../policy/key-phase.ts";
import type { EndRequest, KeyStore } from "../../services/key-store.ts";
import { writeAudit } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { endRaisesOf } from "./end-raises.ts";
import {
  claimKeys,
  isFree,
  isHeld,
  isLive,
  isOverdue,
  lockOwnerOf,
  readFacts,
  toKeyRow,
  toSeenSpend,
  wakeWaiting,
} from "./key-row.ts";
import { deployment, keySpend, keys } from "./schema.ts";
import { saveSpend } from "./spend.ts";
import { statement } from "./statement.ts";

export function createKeyStore(database: Database): KeyStore {
  let mark: string | undefined;
  return {
    async deployment() {
      mark ??= await readDeployment(database);
      return mark;
    },

    // Loaded when the first key is made or swept: a start does not wait for it.
    reserve: async (request) => (await import("./reservations.ts")).reserve(database, request),
    confirm: async (confirmation) => (await import("./reservations.ts")).confirm(database, confirmation),
    release: async (reference) => (await import("./reservations.ts")).release(database, reference),
    claimAbandoned: async (now, leaseUntil) =>
      (await import("./reservations.ts")).claimAbandoned(database, now, leaseUntil),

    async endLease(reference, now) {
      await database
        .update(keys)
        .set({ leaseUntil: new Date(now) })
        .where(isHeld(reference));
    },

    facts: (ownerId, now) => readFacts(database, ownerId, now),

    async ownedKeys(ownerId) {
      const rows = await selectOwned(database, { ownerId });
      return rows.map((row) => ({
        row: toKeyRow(row.keys),
        seen: row.key_spend === null ? undefined : toSeenSpend(row.key_spend),
      }));
    },

    async ownedKey(ownerId, keyId) {
      const [row] = await database
        .select()
        .from(keys)
        .where(and(eq(keys.id, keyId), eq(keys.ownerId, ownerId)));
      return row === undefined ? undefined : toKeyRow(row);
    },

    // For administrators; loaded when one of them looks.
    companyKey: async (keyId) => (await import("./company-keys.ts")).companyKey(database, keyId),
    companyKeys: async (query) => (await import("./company-keys.ts")).companyKeys(database, query),
    countCompanyKeys: async (query) => (await import("./company-keys.ts")).countCompanyKeys(database, query),

    async received(ownerId, keyId) {
      const erased = await database
        .update(keys)
        .set({ sealedSecret: null })
        .where(and(eq(keys.id, keyId), eq(keys.ownerId, ownerId), isNotNull(keys.upstreamHash)))
        .returning({ id: keys.id });
      return erased.length === 1;
    },

    change: (keyId, change, entry) =>
      database.transaction(async (transaction) => {
        const [was] = await transaction
          .select()
          .from(keys)
          .where(and(eq(keys.id, keyId), inArray(keys.phase, [...transitions.change.from])))
          .for("update");
        if (was === undefined) return undefined;
        // Decided here and not before OpenRouter was asked: an administrator may have been quicker.
        if (entry.actor.kind === "owner" && was.adminHold && change.disabled === false) return "held";
        const isHeld = entry.actor.kind === "admin" ? change.disabled : undefined;
        const next = { ...change, ...(isHeld === undefined ? {} : { adminHold: isHeld }) };
        // Asked again after an answer was lost, it changes nothing, and nothing is there to be told.
        const isSame =
          (next.name ?? was.name) === was.name &&
          (next.disabled ?? was.disabled) === was.disabled &&
          (next.adminHold ?? was.adminHold) === was.adminHold;
        if (isSame) return toKeyRow(was);
        const [row] = await transaction.update(keys).set(next).where(eq(keys.id, keyId)).returning();
        if (row === undefined) return undefined;
        await writeAudit(transaction, entry);
        return toKeyRow(row);
      }),

    end: (request) => database.transaction((transaction) => end(transaction, request)),

    async claimOverdue(now, leaseUntil, ownerId) {
      const isOfOwner = ownerId === undefined ? undefined : eq(keys.ownerId, ownerId);
      const where = and(isOverdue(new Date(now)), isFree(now), isOfOwner);
      const [row] = await claimKeys(database, { where, order: keys.expiresAt, limit: 1, leaseUntil });
      return row === undefined ? undefined : toKeyRow(row);
    },

    async claimUnfit(now, leaseUntil, keyId) {
      const isIt = keyId === undefined ? undefined : eq(keys.id, keyId);
      const where = and(isFree(now), lte(keys.fitAt, new Date(now)), isIt);
      const [row] = await claimKeys(database, { where, order: keys.fitAt, limit: 1, leaseUntil });
      return row === undefined ? undefined : toKeyRow(row);
    },

    async holdLimit(keyId, now, leaseUntil, fitAt) {
      const [row] = await database
        .update(keys)
        .set({ leaseUntil: new Date(leaseUntil), fitAt: new Date(fitAt) })
        .where(and(eq(keys.id, keyId), isFree(now)))
        .returning();
      return row === undefined ? undefined : toKeyRow(row);
    },

    async lookAgain(keyId, at) {
      await database
        .update(keys)
        .set({ fitAt: sql`least(${keys.fitAt}, ${new Date(at).toISOString()}::timestamptz)` })
        .where(and(eq(keys.id, keyId), isLive()));
    },

    growLimit: (keyId, now, decide, entry) =>
      database.transaction(async (transaction) => {
        const ownerId = await lockOwnerOf(transaction, keyId);
        if (ownerId === undefined) return undefined;
        const [row] = await transaction
          .select()
          .from(keys)
          .where(and(eq(keys.id, keyId), inArray(keys.phase, [...transitions.raiseLimit.from])));
        if (row === undefined) return undefined;
        const was = toKeyRow(row);
        const limitCents = decide(await readFacts(transaction, ownerId, now), was);
        if (limitCents === was.limitCents) return was;
        const [grown] = await transaction.update(keys).set({ limitCents }).where(eq(keys.id, keyId)).returning();
        if (grown === undefined) return undefined;
        await writeAudit(transaction, entry(was, limitCents));
        return toKeyRow(grown);
      }),

    settleLimit: (held, limitCents, fitAt, entry) =>
      database.transaction(async (transaction) => {
        const isLiveStill = and(eq(keys.id, held.id), inArray(keys.phase, [...transitions.lowerLimit.from]));
        const settled = await transaction
          .update(keys)
          .set({ limitCents, fitAt: fitAt === null ? null : new Date(fitAt), leaseUntil: new Date(0) })
          .where(and(isLiveStill, eq(keys.limitCents, held.limitCents), eq(keys.wantedCents, held.wantedCents)))
          .returning({ id: keys.id });
        if (settled.length === 1) {
          if (entry !== undefined) await writeAudit(transaction, entry);
          return true;
        }
        // A raise was approved or ended meanwhile: what it is meant to have is to be brought about once more.
        await transaction
          .update(keys)
          .set({ fitAt: new Date(0), leaseUntil: new Date(0) })
          .where(isLiveStill);
        return false;
      }),

    async eraseSealed(now) {
      const erased = await database
        .update(keys)
        .set({ sealedSecret: null })
        .where(and(isNotNull(keys.sealedSecret), lte(keys.sealedUntil, new Date(now))))
        .returning({ id: keys.id });
      return erased.length;
    },

    saveSpend: (reports, at) => saveSpend(database, reports, at),

    async liveKeysByWorkspace() {
      const rows = await database
        .select({ workspaceId: keys.workspaceId, keys: sql<number>`count(*)::int` })
        .from(keys)
        .where(isLive())
        .groupBy(keys.workspaceId);
      return rows.map((row) => ({ workspaceId: row.workspaceId ?? undefined, keys: row.keys }));
    },
  };
}

const selectOwned = statement((database) =>
  database
    .select()
    .from(keys)
    .leftJoin(keySpend, eq(keySpend.keyId, keys.id))
    .where(and(eq(keys.ownerId, sql.placeholder("ownerId")), inArray(keys.phase, [...shownPhases])))
    .orderBy(desc(keys.createdAt), asc(keys.id)),
);

async function end(transaction: Database, request: EndRequest): Promise<void> {
  const { ending, charge } = request;
  await lockOwnerOf(transaction, request.keyId);
  const ended = await transaction
    .update(keys)
    .set({
      phase: transitions[ending].to,
      endedAt: sql`coalesce(${keys.endedAt}, ${new Date(request.now).toISOString()}::timestamptz)`,
      chargedCents: sql`case when ${keys.endedAt} is null then ${charge.cents}::int else ${keys.chargedCents} end`,
      chargedUntil: sql`case when ${keys.endedAt} is null then ${new Date(charge.until).toISOString()}::timestamptz else ${keys.chargedUntil} end`,
      fitAt: null,
      sealedSecret: null,
    })
    .where(and(eq(keys.id, request.keyId), inArray(keys.phase, [...transitions[ending].from])))
    .returning({ ownerId: keys.ownerId });
  const [key] = ended;
  if (key === undefined) return;
  await endRaisesOf(transaction, request.keyId, request.now);
  await wakeWaiting(transaction, key.ownerId, new Date(request.now));
  await writeAudit(transaction, request.audit);
}

async function readDeployment(database: Database): Promise<string> {
  const fresh = crypto.randomUUID().slice(0, 8);
  await database.insert(deployment).values({ mark: fresh }).onConflictDoNothing();
  const [row] = await database.select().from(deployment);
  if (row === undefined) throw new Error("The deployment's row is missing right after it was written.");
  return row.mark;
}
