import { desc, eq, lt, sql } from "drizzle-orm";
import type { WithSubquery } from "drizzle-orm";

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

/** A part of a prepared statement whose `change` changes one row or none: the entry is written only with the change. */
export function auditAlong(database: Database, change: WithSubquery) {
  const of = (name: keyof ReturnType<typeof auditValues>) => sql.placeholder(name);
  return database.$with("recorded", {}).as(sql`
    insert into ${audit} (at, actor_kind, actor_id, actor_label, verb, target_id, owner_id, before, after, request_id)
    select ${of("auditAt")}::timestamptz, ${of("auditActorKind")}, ${of("auditActorId")}::uuid, ${of("auditActorLabel")},
      ${of("auditVerb")}, ${of("auditTargetId")}, ${of("auditOwnerId")}::uuid, ${of("auditBefore")}::jsonb,
      ${of("auditAfter")}::jsonb, ${of("auditRequestId")}::uuid
    from ${change}`);
}

/** What `auditAlong` has placeholders for. */
export function auditValues(entry: AuditEntry) {
  return {
    auditAt: new Date(entry.at).toISOString(),
    auditActorKind: entry.actor.kind,
    auditActorId: entry.actor.id,
    auditActorLabel: entry.actor.label,
    auditVerb: entry.verb,
    auditTargetId: entry.targetId,
    auditOwnerId: entry.ownerId,
    auditBefore: entry.before === null ? null : JSON.stringify(entry.before),
    auditAfter: entry.after === null ? null : JSON.stringify(entry.after),
    auditRequestId: entry.actor.requestId,
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
