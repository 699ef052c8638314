import { desc, eq, lt } from "drizzle-orm";

import type { AuditEntry, AuditStore, AuditVerb } from "../../services/audit.ts";
import type { Database } from "./database.ts";
import { audit, owners } from "./schema.ts";

/** Call it in the transaction of the change. */
export async function writeAudit(transaction: Database, entry: AuditEntry): Promise<void> {
  await transaction.insert(audit).values(toValues(entry));
}

export async function writeAudits(transaction: Database, entries: readonly AuditEntry[]): Promise<void> {
  if (entries.length > 0) await transaction.insert(audit).values(entries.map(toValues));
}

function toValues(entry: AuditEntry) {
  return {
    at: new Date(entry.at),
    actorKind: entry.actor.kind,
    actorId: entry.actor.id,
    actorLabel: entry.actor.label,
    verb: entry.verb,
    targetId: entry.targetId,
    ownerId: entry.ownerId,
    before: entry.before,
    after: entry.after,
    requestId: entry.actor.requestId,
  };
}

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

    write: (entry) => writeAudit(database, entry),
  };
}

/** Only `writeAudit` writes the column. */
function toVerb(text: string): AuditVerb {
  return text as AuditVerb;
}
