import { lt, sql } from "drizzle-orm";

import type { RateStore } from "../../services/rate-store.ts";
import type { Database } from "./database.ts";
import { requestCounts } from "./schema.ts";
import { statement } from "./statement.ts";

export function createRateStore(database: Database): RateStore {
  return {
    async count(subjects, minute) {
      const names = subjects.map(({ kind, id }) => `${kind} ${id}`);
      // In one order everywhere, so that two requests with the same subjects never wait for each other in a ring.
      const counted = await countSubjects(database, { subjects: JSON.stringify(names.toSorted()), minute });
      const counts = new Map(counted.map(({ subject, count }) => [subject, count]));
      return names.map((name) => counts.get(name) ?? 0);
    },

    async forgetBefore(minute) {
      await database.delete(requestCounts).where(lt(requestCounts.minute, minute));
    },
  };
}

const countSubjects = statement((database) =>
  database
    .insert(requestCounts)
    .select(
      sql`select value, ${sql.placeholder("minute")}::int, 1 from jsonb_array_elements_text(${sql.placeholder("subjects")}::jsonb)`,
    )
    .onConflictDoUpdate({
      target: requestCounts.subject,
      set: {
        minute: sql`excluded.minute`,
        count: sql`case when ${requestCounts.minute} = excluded.minute then ${requestCounts.count} + 1 else 1 end`,
      },
    })
    .returning({ subject: requestCounts.subject, count: requestCounts.count }),
);
