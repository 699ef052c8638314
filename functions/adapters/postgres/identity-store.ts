import { and, asc, eq, isNull } from "drizzle-orm";

import type { DecisionOutcome, IdentityConflict, IdentityStore } from "../../services/identity-store.ts";
import { writeAudit } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { identityConflicts, owners, sessions, signInCodes } from "./schema.ts";

export function createIdentityStore(database: Database): IdentityStore {
  return {
    record: ({ id, ownerId, person: { email, issuer, subject }, now, audit }) =>
      database.transaction(async (transaction) => {
        const fresh = { email, createdAt: new Date(now), decision: null, decidedBy: null, decidedAt: null };
        const noted = await transaction
          .insert(identityConflicts)
          .values({ id, ownerId, issuer, subject, ...fresh })
          // One that was merged and comes again has lost the owner to another identity since: a new question.
          .onConflictDoUpdate({
            target: [identityConflicts.ownerId, identityConflicts.issuer, identityConflicts.subject],
            set: fresh,
            setWhere: eq(identityConflicts.decision, "merge"),
          })
          .returning({ id: identityConflicts.id });
        const [fact] = noted;
        if (fact !== undefined) await writeAudit(transaction, { ...audit, targetId: fact.id });
        const [row] = await transaction
          .select({ decision: identityConflicts.decision })
          .from(identityConflicts)
          .where(
            and(
              eq(identityConflicts.ownerId, ownerId),
              eq(identityConflicts.issuer, issuer),
              eq(identityConflicts.subject, subject),
            ),
          );
        return row?.decision === "refuse" ? "refused" : "waiting";
      }),

    async list(state) {
      const isInState =
        state === "waiting" ? isNull(identityConflicts.decision) : eq(identityConflicts.decision, "refuse");
      const rows = await database
        .select()
        .from(identityConflicts)
        .innerJoin(owners, eq(owners.id, identityConflicts.ownerId))
        .where(isInState)
        .orderBy(asc(identityConflicts.createdAt), asc(identityConflicts.id));
      return rows.map(toConflict);
    },

    async find(id) {
      const [row] = await database
        .select()
        .from(identityConflicts)
        .innerJoin(owners, eq(owners.id, identityConflicts.ownerId))
        .where(eq(identityConflicts.id, id));
      return row === undefined ? undefined : toConflict(row);
    },

    decide: ({ id, decision, decidedBy, now, audit }) =>
      database.transaction(async (transaction) => {
        const [conflict] = await transaction
          .select()
          .from(identityConflicts)
          .where(eq(identityConflicts.id, id))
          .for("update");
        if (conflict === undefined) return "missing";
        if (conflict.decision === "merge" || conflict.decision === decision) return "decided";
        const failed = decision === "merge" ? await merge(transaction, conflict) : undefined;
        if (failed !== undefined) return failed;
        await transaction
          .update(identityConflicts)
          .set({ decision, decidedBy, decidedAt: new Date(now) })
          .where(eq(identityConflicts.id, id));
        await writeAudit(transaction, audit);
        return "done";
      }),
  };
}

type ConflictRow = typeof identityConflicts.$inferSelect;

async function merge(transaction: Database, conflict: ConflictRow): Promise<DecisionOutcome | undefined> {
  const { issuer, subject, ownerId } = conflict;
  const [owner] = await transaction.select().from(owners).where(eq(owners.id, ownerId)).for("update");
  if (owner === undefined) return "missing";
  if (owner.blockedAt !== null) return "blocked";
  if (owner.email !== conflict.email) return "changed";
  const [taken] = await transaction
    .select({ id: owners.id })
    .from(owners)
    .where(and(eq(owners.issuer, issuer), eq(owners.subject, subject)));
  if (taken !== undefined) return "taken";
  // The groups were the old identity's; the next sign-in brings the others.
  await transaction.update(owners).set({ issuer, subject, groups: [] }).where(eq(owners.id, ownerId));
  await transaction.delete(sessions).where(eq(sessions.ownerId, ownerId));
  await transaction.delete(signInCodes).where(eq(signInCodes.ownerId, ownerId));
  return undefined;
}

function toConflict(row: { identity_conflicts: ConflictRow; owners: typeof owners.$inferSelect }): IdentityConflict {
  const { id, email, issuer, subject, createdAt, decision } = row.identity_conflicts;
  return {
    id,
    owner: { id: row.owners.id, issuer: row.owners.issuer, subject: row.owners.subject },
    email,
    issuer,
    subject,
    askedAt: createdAt.getTime(),
    state: decision === "refuse" ? "refused" : "waiting",
  };
}
