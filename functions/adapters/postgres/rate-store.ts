import { lt, sql } from "drizzle-orm";

import type { RateStore } from "../../services/rate-store.ts";
import type { Database } from "./database.ts";
import { requestCounts } from "./schema.ts";

export function createRateStore(database: Database): RateStore {
  return {
    async count(subjects, minute) {
      const names = subjects.map(({ kind, id }) => `${kind} ${id}`);
      // In one order everywhere, so that two requests with the same subjects never wait for each other in a ring.
      const counted = await database
        .insert(requestCounts)
        .values(names.toSorted().map((subject) => ({ subject, minute, count: 1 })))
        .onConflictDoUpdate({
          target: requestCounts.subject,
          set: {
            minute: sql`excluded.minute`,
            count: sql`case when ${requestCounts.minute} = excluded.minute then ${requestCounts.count} + 1 else 1 end`,
          },
        })
        .returning({ subject: requestCounts.subject, count: requestCounts.count });
      const counts = new Map(counted.map(({ subject, count }) => [subject, count]));
      return names.map((name) => counts.get(name) ?? 0);
    },

    async forgetBefore(minute) {
      await database.delete(requestCounts).where(lt(requestCounts.minute, minute));
    },
  };
}
