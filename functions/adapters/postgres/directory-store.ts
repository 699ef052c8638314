import { and, asc, eq, gt, lt, or, sql } from "drizzle-orm";

import type { Finding } from "../../policy/evidence.ts";
import type { DirectoryStore } from "../../services/directory-store.ts";
import type { Database } from "./database.ts";
import { directoryAnswers, directoryMemories } from "./nightly-schema.ts";
import { keys, owners, sessions } from "./schema.ts";

/** Whoever has a key that can spend, or could still act, and has not left. Only they are asked about. */
const isWatched = sql`${owners.blockedAt} is null and (
  exists (select 1 from ${keys} where ${keys.ownerId} = ${owners.id} and ${keys.phase} in ('reserved', 'live', 'retiring'))
  or exists (select 1 from ${sessions} where ${sessions.ownerId} = ${owners.id})
)`;

export function createDirectoryStore(database: Database): DirectoryStore {
  return {
    async enlist(source) {
      await database.execute(sql`
        insert into ${directoryAnswers} (owner_id, source, checked_at)
        select ${owners.id}, ${source}, 'epoch' from ${owners} where ${isWatched}
        on conflict do nothing`);
    },

    async peopleToAsk(source, before, after, limit) {
      const isAfter =
        after === undefined
          ? undefined
          : or(
              gt(directoryAnswers.checkedAt, new Date(after.checkedAt)),
              and(
                eq(directoryAnswers.checkedAt, new Date(after.checkedAt)),
                gt(directoryAnswers.ownerId, after.ownerId),
              ),
            );
      const rows = await database
        .select(asked)
        .from(directoryAnswers)
        .innerJoin(owners, eq(owners.id, directoryAnswers.ownerId))
        .where(
          and(
            eq(directoryAnswers.source, source),
            lt(directoryAnswers.checkedAt, new Date(before)),
            isAfter,
            isWatched,
          ),
        )
        .orderBy(asc(directoryAnswers.checkedAt), asc(directoryAnswers.ownerId))
        .limit(limit);
      return rows.map((row) => ({ ...toPerson(row), ownerId: row.ownerId, checkedAt: row.checkedAt.getTime() }));
    },

    async personToAsk(source, ownerId) {
      const [row] = await database
        .select(asked)
        .from(owners)
        .leftJoin(directoryAnswers, and(eq(directoryAnswers.ownerId, owners.id), eq(directoryAnswers.source, source)))
        .where(eq(owners.id, ownerId));
      return row === undefined ? undefined : toPerson(row);
    },

    async saveAnswers(source, answers, at) {
      if (answers.length === 0) return;
      const rows = JSON.stringify(
        answers.map(({ personId, finding, isProven, subject }) => ({
          owner_id: personId,
          finding,
          is_proven: isProven,
          subject: subject ?? null,
          was_seen: finding.state === "active",
        })),
      );
      await database.execute(sql`
        insert into ${directoryAnswers} as known (owner_id, source, subject, was_seen, finding, is_proven, checked_at, active_at)
        select
          answer.owner_id, ${source}, answer.subject, answer.was_seen, answer.finding, answer.is_proven,
          ${new Date(at).toISOString()}::timestamptz,
          case when answer.was_seen and answer.is_proven then ${new Date(at).toISOString()}::timestamptz end
        from jsonb_to_recordset(${rows}::jsonb) as answer (
          owner_id uuid, finding jsonb, is_proven boolean, subject text, was_seen boolean
        )
        on conflict (owner_id, source) do update set
          subject = coalesce(excluded.subject, known.subject),
          was_seen = known.was_seen or excluded.was_seen,
          finding = excluded.finding, is_proven = excluded.is_proven, checked_at = excluded.checked_at,
          active_at = coalesce(excluded.active_at, known.active_at)`);
    },

    async answersAbout(ownerId) {
      const rows = await database
        .select()
        .from(directoryAnswers)
        .where(eq(directoryAnswers.ownerId, ownerId))
        .orderBy(asc(directoryAnswers.source));
      return rows.flatMap(({ source, finding, checkedAt, activeAt }) =>
        finding === null ? [] : [{ source, finding, checkedAt: checkedAt.getTime(), activeAt: activeAt?.getTime() }],
      );
    },

    async memory(source) {
      const [row] = await database.select().from(directoryMemories).where(eq(directoryMemories.source, source));
      return row?.memory ?? undefined;
    },

    async saveMemory(source, memory) {
      await database
        .insert(directoryMemories)
        .values({ source, memory: memory ?? null })
        .onConflictDoUpdate({ target: directoryMemories.source, set: { memory: memory ?? null } });
    },
  };
}

const asked = {
  ownerId: owners.id,
  email: owners.email,
  ownSubject: owners.subject,
  subject: directoryAnswers.subject,
  wasSeen: directoryAnswers.wasSeen,
  finding: directoryAnswers.finding,
  checkedAt: directoryAnswers.checkedAt,
};

/** The sign-in's own subject is the first id to ask for; a source answers with another where it knows one. */
function toPerson(row: {
  readonly ownerId: string;
  readonly email: string;
  readonly ownSubject: string;
  readonly subject: string | null;
  readonly wasSeen: boolean | null;
  readonly finding: Finding | null;
}) {
  return {
    personId: row.ownerId,
    subject: row.subject ?? row.ownSubject,
    wasSeen: row.wasSeen ?? false,
    email: row.email,
    wasActive: row.finding?.state === "active",
  };
}
