import { and, asc, desc, eq, gt, gte, inArray, isNotNull, isNull, lte, sql } from "drizzle-orm";

import type { SourceFinding } from "../../policy/evidence.ts";
import type { NightlyRun, NightlyStore } from "../../services/nightly-store.ts";
import { writeAudit } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { directoryAnswers, nightlyRuns, standings } from "./nightly-schema.ts";
import { olderThan } from "./page-place.ts";
import { deployment, keys, owners } from "./schema.ts";

/** Whoever has a key that can spend, and has not left. */
const isHolder = sql`${owners.blockedAt} is null and exists (
  select 1 from ${keys} where ${keys.ownerId} = ${owners.id} and ${keys.phase} in ('live', 'retiring')
)`;

export function createNightlyStore(database: Database): NightlyStore {
  return {
    async checkedPeople(sources, since, after, limit) {
      const rows = await database
        .select({
          ownerId: owners.id,
          email: owners.email,
          strikes: standings.strikes,
          firstStrikeAt: standings.firstStrikeAt,
          lastStrikeAt: standings.lastStrikeAt,
          unknownSince: standings.unknownSince,
          answers: sql<SourceFinding[]>`
            json_agg(json_build_object(
              'source', ${directoryAnswers.source}, 'finding', ${directoryAnswers.finding}, 'isProven', ${directoryAnswers.isProven}
            ) order by ${directoryAnswers.source})`,
        })
        .from(directoryAnswers)
        .innerJoin(owners, eq(owners.id, directoryAnswers.ownerId))
        .leftJoin(standings, eq(standings.ownerId, owners.id))
        .where(
          and(
            gte(directoryAnswers.checkedAt, new Date(since)),
            inArray(directoryAnswers.source, [...sources]),
            isNotNull(directoryAnswers.finding),
            isNull(owners.blockedAt),
            after === undefined ? undefined : gt(owners.id, after),
          ),
        )
        .groupBy(owners.id, standings.ownerId)
        // Of whom one source has not been asked yet, that one might say otherwise.
        .having(sql`count(*) = ${sources.length}`)
        .orderBy(asc(owners.id))
        .limit(limit);
      return rows.map((row) => ({
        ownerId: row.ownerId,
        email: row.email,
        answers: row.answers,
        standing: {
          strikes: row.strikes ?? 0,
          firstStrikeAt: row.firstStrikeAt?.getTime(),
          lastStrikeAt: row.lastStrikeAt?.getTime(),
          unknownSince: row.unknownSince?.getTime(),
        },
      }));
    },

    async saveStandings(people) {
      if (people.length === 0) return;
      const time = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
      const rows = JSON.stringify(
        people.map(({ ownerId, standing, evidence }) => ({
          owner_id: ownerId,
          strikes: standing.strikes,
          first_strike_at: time(standing.firstStrikeAt),
          last_strike_at: time(standing.lastStrikeAt),
          unknown_since: time(standing.unknownSince),
          evidence: evidence ?? null,
        })),
      );
      await database.execute(sql`
        insert into ${standings} as known (owner_id, strikes, first_strike_at, last_strike_at, unknown_since, evidence)
        select * from jsonb_to_recordset(${rows}::jsonb) as standing (
          owner_id uuid, strikes integer, first_strike_at timestamptz, last_strike_at timestamptz,
          unknown_since timestamptz, evidence text
        )
        on conflict (owner_id) do update set
          strikes = excluded.strikes, first_strike_at = excluded.first_strike_at,
          last_strike_at = excluded.last_strike_at, unknown_since = excluded.unknown_since, evidence = excluded.evidence
        where (known.strikes, known.first_strike_at, known.last_strike_at, known.unknown_since, known.evidence)
          is distinct from
          (excluded.strikes, excluded.first_strike_at, excluded.last_strike_at, excluded.unknown_since, excluded.evidence)`);
    },

    async countHolders() {
      const [row] = await database
        .select({ count: sql<number>`count(*)::int` })
        .from(owners)
        .where(isHolder);
      return row?.count ?? 0;
    },

    async countBlockedSince(since) {
      const [row] = await database
        .select({ count: sql<number>`count(*)::int` })
        .from(owners)
        .where(and(gt(owners.blockedAt, new Date(since)), eq(owners.blockApproved, false)));
      return row?.count ?? 0;
    },

    async longUnknown(before, limit) {
      const rows = await database
        .select({
          ownerId: owners.id,
          email: owners.email,
          since: standings.unknownSince,
          reason: standings.evidence,
        })
        .from(standings)
        .innerJoin(owners, eq(owners.id, standings.ownerId))
        .where(and(lte(standings.unknownSince, new Date(before)), isHolder))
        .orderBy(asc(standings.unknownSince), asc(owners.id))
        .limit(limit);
      return rows.map((row) => ({
        ownerId: row.ownerId,
        email: row.email,
        since: row.since?.getTime() ?? 0,
        reason: row.reason ?? "",
      }));
    },

    async saveRun(run) {
      await database.insert(nightlyRuns).values({
        id: run.id,
        startedAt: new Date(run.startedAt),
        endedAt: new Date(run.endedAt),
        mode: run.mode,
        counts: run.counts,
        candidates: run.candidates,
        candidatesHash: run.candidatesHash ?? null,
        alerts: run.alerts,
      });
    },

    async runs(after, limit) {
      const rows = await database
        .select()
        .from(nightlyRuns)
        .where(olderThan({ time: nightlyRuns.startedAt, id: nightlyRuns.id }, after))
        .orderBy(desc(nightlyRuns.startedAt), desc(nightlyRuns.id))
        .limit(limit);
      return rows.map(toRun);
    },

    async run(id) {
      const [row] = await database.select().from(nightlyRuns).where(eq(nightlyRuns.id, id));
      return row === undefined ? undefined : toRun(row);
    },

    async latestRun() {
      const [row] = await database.select().from(nightlyRuns).orderBy(desc(nightlyRuns.startedAt)).limit(1);
      return row === undefined ? undefined : toRun(row);
    },

    async approvedRun() {
      const [row] = await database
        .select()
        .from(nightlyRuns)
        .where(isNotNull(nightlyRuns.approvedAt))
        .orderBy(desc(nightlyRuns.approvedAt))
        .limit(1);
      return row === undefined ? undefined : toRun(row);
    },

    approveRun: (id, adminId, now, audit) =>
      database.transaction(async (transaction) => {
        const approved = await transaction
          .update(nightlyRuns)
          .set({ approvedBy: adminId, approvedAt: new Date(now) })
          .where(and(eq(nightlyRuns.id, id), isNull(nightlyRuns.approvedAt)))
          .returning({ id: nightlyRuns.id });
        if (approved.length === 0) return false;
        await writeAudit(transaction, audit);
        return true;
      }),

    async deployedAt() {
      const [row] = await database.select({ createdAt: deployment.createdAt }).from(deployment);
      return row?.createdAt.getTime();
    },
  };
}

function toRun(row: typeof nightlyRuns.$inferSelect): NightlyRun {
  return {
    id: row.id,
    startedAt: row.startedAt.getTime(),
    endedAt: row.endedAt.getTime(),
    mode: row.mode,
    counts: row.counts,
    candidates: row.candidates,
    candidatesHash: row.candidatesHash ?? undefined,
    alerts: row.alerts,
    approval:
      row.approvedBy === null || row.approvedAt === null
        ? undefined
        : { by: row.approvedBy, at: row.approvedAt.getTime() },
  };
}
