import { and, asc, eq, inArray, isNull } from "drizzle-orm";

import type { IdentityConflict, IdentityStore } from "../../services/identity-store.ts";
import { writeAudit } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { identityConflicts, owners } from "./schema.ts";

export function createIdentityStore(database: Database): IdentityStore {
  return {
    record: ({ id, ownerId, person: { email, issuer, subject }, now, audit }) =>
      database.transaction(async (transaction) => {
        const fresh = { email, createdAt: new Date(now), decision: null, decidedBy: null, decidedAt: null };
        const noted = await transaction
          .insert(identityConflicts)
          .values({ id, ownerId, issuer, subject, ...fresh })
          // One that was merged or separated and comes again has lost the e-mail since: a new question.
          .onConflictDoUpdate({
            target: [identityConflicts.ownerId, identityConflicts.issuer, identityConflicts.subject],
            set: fresh,
            setWhere: inArray(identityConflicts.decision, ["merge", "separate"]),
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

    // Loaded when first needed, as little is decided.
    decide: async (decision) => (await import("./decide-identity.ts")).decideIdentity(database, decision),
  };
}

function toConflict(row: {
  identity_conflicts: typeof identityConflicts.$inferSelect;
  owners: typeof owners.$inferSelect;
}): IdentityConflict {
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
