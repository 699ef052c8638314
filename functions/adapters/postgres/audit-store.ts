import { desc, eq, lt, sql } from "drizzle-orm";

import type { AuditEntry, AuditStore, AuditVerb } from "../../services/audit.ts";
import type { Database } from "./database.ts";
import { audit, owners } from "./schema.ts";
import { statement } from "./statement.ts";

/** Call it in the transaction of the change. */
export async function writeAudit(transaction: Database, entry: AuditEntry): Promise<void> {
  await insertEntry(transaction, {
    at: new Date(entry.at),
    actorKind: entry.actor.kind,
    actorId: entry.actor.id,
    actorLabel: entry.actor.label,
    verb: entry.verb,
    targetId: entry.targetId,
    ownerId: entry.ownerId,
    before: json(entry.before),
    after: json(entry.after),
    requestId: entry.actor.requestId,
  });
}

/** A placeholder for a JSON column would write JSON's null, which is not the database's. */
function json(value: AuditEntry["before"]): string | null {
  return value === null ? null : JSON.stringify(value);
}

const insertEntry = statement((database) =>
  database.insert(audit).values({
    at: sql.placeholder("at"),
    actorKind: sql.placeholder("actorKind"),
    actorId: sql.placeholder("actorId"),
    actorLabel: sql.placeholder("actorLabel"),
    verb: sql.placeholder("verb"),
    targetId: sql.placeholder("targetId"),
    ownerId: sql.placeholder("ownerId"),
    before: sql`${sql.placeholder("before")}`,
    after: sql`${sql.placeholder("after")}`,
    requestId: sql.placeholder("requestId"),
  }),
);

export function createAuditStore(database: Database): AuditStore {
  return {
    async list(before, limit) {
      const rows = await database
        .select()
        .from(audit)
        .innerJoin(owners, eq(owners.id, audit.ownerId))
        .where(before === undefined ? undefined : lt(audit.id, before))
        .orderBy(desc(audit.id))
        .limit(limit);
      return rows.map(({ audit: row, owners: owner }) => ({
        id: row.id,
        at: row.at.getTime(),
        actor: { kind: row.actorKind, id: row.actorId, label: row.actorLabel, requestId: row.requestId },
        verb: toVerb(row.verb),
        targetId: row.targetId,
        ownerId: row.ownerId,
        ownerLabel: owner.email,
        before: row.before,
        after: row.after,
      }));
    },
  };
}

/** Only `writeAudit` writes the column. */
function toVerb(text: string): AuditVerb {
  return text as AuditVerb;
}
