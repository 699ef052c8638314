import { and, asc, desc, eq, lte, ne, sql } from "drizzle-orm";

import type {
  AskOutcome,
  AskRequest,
  DecideOutcome,
  DecideRequest,
  Raise,
  RaiseStore,
} from "../../services/raise-store.ts";
import { writeAudit } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { isSuccessorOf, lowerWanted } from "./end-raises.ts";
import { lockOwner, readFacts, toKeyRow } from "./key-row.ts";
import { olderThan } from "./page-place.ts";
import { keys, owners, raises } from "./schema.ts";

export function createRaiseStore(database: Database): RaiseStore {
  return {
    ask: (request) => database.transaction((transaction) => ask(transaction, request)),
    find: (id) => findRaise(database, id),
    decide: (request) => database.transaction((transaction) => decide(transaction, request)),

    async ofOwner(ownerId) {
      const rows = await select(database).where(eq(raises.ownerId, ownerId)).orderBy(desc(raises.createdAt));
      return rows.map(toRaise);
    },

    async all({ state, after, limit }) {
      const isAfter = olderThan({ time: raises.createdAt, id: raises.id }, after);
      const isMeant = and(state === undefined ? undefined : eq(raises.state, state), isAfter);
      const rows = await select(database).where(isMeant).orderBy(desc(raises.createdAt), desc(raises.id)).limit(limit);
      return rows.map(toRaise);
    },

    async waitingFor(ownerId) {
      const [newest] = await database
        .select({ newestAt: raises.createdAt, count: sql<number>`(count(*) over ())::int` })
        .from(raises)
        .where(and(eq(raises.state, "waiting"), ne(raises.ownerId, ownerId)))
        .orderBy(desc(raises.createdAt))
        .limit(1);
      return newest === undefined ? undefined : { newestAt: newest.newestAt.getTime(), count: newest.count };
    },

    async endOverdue(now, entry) {
      const isDue = and(eq(raises.state, "approved"), lte(raises.until, new Date(now)));
      for (;;) {
        const [due] = await database.select().from(raises).where(isDue).orderBy(asc(raises.until)).limit(1);
        if (due === undefined) return undefined;
        const ended = await database.transaction(async (transaction) => {
          await lockOwner(transaction, due.ownerId);
          const [locked] = await transaction
            .update(raises)
            .set({ state: "ended" })
            .where(and(isDue, eq(raises.id, due.id)))
            .returning();
          const raise = locked === undefined ? undefined : await findRaise(transaction, due.id);
          if (raise === undefined) return undefined;
          await lowerWanted(transaction, raise.keyId, raise.baseCents, now);
          await writeAudit(transaction, entry(raise));
          return raise;
        });
        // Undefined: somebody else has ended it meanwhile; there may be another.
        if (ended !== undefined) return ended;
      }
    },
  };
}

async function ask(transaction: Database, request: AskRequest): Promise<AskOutcome> {
  await lockOwner(transaction, request.ownerId);
  const [key] = await transaction
    .select()
    .from(keys)
    .where(and(eq(keys.id, request.keyId), eq(keys.ownerId, request.ownerId)));
  if (key === undefined || key.phase === "reserved" || key.phase === "released") return { kind: "no-such-key" };
  const facts = await readFacts(transaction, request.ownerId, request.now);
  const refusal = request.check(facts, toKeyRow(key));
  if (refusal !== undefined) return { kind: "refused", refusal };
  const asked = await transaction
    .insert(raises)
    .values({
      id: request.id,
      keyId: request.keyId,
      ownerId: request.ownerId,
      limitCents: request.limitCents,
      until: new Date(request.until),
      reason: request.reason,
      state: "waiting",
      createdAt: new Date(request.now),
    })
    .onConflictDoNothing()
    .returning({ id: raises.id });
  const raise = asked.length === 0 ? undefined : await findRaise(transaction, request.id);
  if (raise === undefined) return { kind: "open" };
  await writeAudit(transaction, request.audit);
  return { kind: "asked", raise };
}

async function decide(transaction: Database, request: DecideRequest): Promise<DecideOutcome> {
  const wished = await findRaise(transaction, request.id);
  if (wished === undefined) throw new Error("A raise that was found is gone.");
  await lockOwner(transaction, wished.ownerId);
  const [locked] = await transaction.select().from(raises).where(eq(raises.id, request.id)).for("update");
  const raise = await findRaise(transaction, request.id);
  if (raise === undefined || locked === undefined || locked.state !== "waiting") {
    return { kind: "settled", raise: raise ?? wished };
  }
  const [key] = await transaction.select().from(keys).where(eq(keys.id, raise.keyId)).for("update");
  if (request.decision === "approve" && key !== undefined) {
    const facts = await readFacts(transaction, raise.ownerId, request.now);
    const refusal = request.check(raise)(facts, toKeyRow(key));
    if (refusal !== undefined) return { kind: "refused", refusal };
    // The budget is taken now; OpenRouter is told right after, by whoever takes hold of the key's limit.
    await transaction
      .update(keys)
      .set({ limitCents: raise.limitCents, wantedCents: raise.limitCents, fitAt: new Date(request.now) })
      .where(eq(keys.id, raise.keyId));
    await promiseSuccessor(transaction, raise, request.now);
  }
  await transaction
    .update(raises)
    .set({
      state: request.decision === "approve" ? "approved" : "refused",
      baseCents: key?.wantedCents ?? null,
      note: request.note ?? null,
      decidedAt: new Date(request.now),
      decidedBy: request.decidedBy,
    })
    .where(eq(raises.id, request.id));
  const decided = await findRaise(transaction, request.id);
  if (decided === undefined) throw new Error("A raise that was decided is gone.");
  await writeAudit(transaction, request.audit(decided));
  return { kind: "decided", raise: decided };
}

/** A successor that is being made for the key was reserved without the raise: it is due for it once it is made. */
async function promiseSuccessor(transaction: Database, raise: Raise, now: number): Promise<void> {
  await transaction
    .update(keys)
    .set({ wantedCents: raise.limitCents, fitAt: new Date(now) })
    .where(isSuccessorOf(raise.keyId));
}

function select(database: Database) {
  return database
    .select({ raise: raises, keyName: keys.name, ownerEmail: owners.email })
    .from(raises)
    .innerJoin(keys, eq(keys.id, raises.keyId))
    .innerJoin(owners, eq(owners.id, raises.ownerId))
    .$dynamic();
}

async function findRaise(database: Database, id: string): Promise<Raise | undefined> {
  const [row] = await select(database).where(eq(raises.id, id));
  return row === undefined ? undefined : toRaise(row);
}

function toRaise(row: { raise: typeof raises.$inferSelect; keyName: string; ownerEmail: string }): Raise {
  const { raise } = row;
  return {
    id: raise.id,
    keyId: raise.keyId,
    keyName: row.keyName,
    ownerId: raise.ownerId,
    ownerEmail: row.ownerEmail,
    limitCents: raise.limitCents,
    baseCents: raise.baseCents ?? undefined,
    until: raise.until.getTime(),
    reason: raise.reason,
    state: raise.state,
    note: raise.note ?? undefined,
    createdAt: raise.createdAt.getTime(),
    decidedAt: raise.decidedAt?.getTime(),
  };
}
