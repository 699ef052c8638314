import { and, eq, gt, lte, sql } from "drizzle-orm";

import type { LeaseStore } from "../../services/lease-store.ts";
import type { Database } from "./database.ts";
import { leases } from "./schema.ts";

/** Clocks of two processes may differ by this much. */
const skewMs = 60_000;

export function createLeaseStore(database: Database): LeaseStore {
  return {
    async acquire(name, now, until) {
      // One statement: of several at once, one inserts or updates, and the others find the lease taken.
      const [held] = await database
        .insert(leases)
        .values({ name, fence: 1, expiresAt: new Date(until) })
        .onConflictDoUpdate({
          target: leases.name,
          set: { fence: sql`${leases.fence} + 1`, expiresAt: new Date(until) },
          // Whoever seems to hold it far longer than anybody does took it before the clock was set back.
          setWhere: sql`not (${gt(leases.expiresAt, new Date(now))} and ${lte(leases.expiresAt, new Date(until + skewMs))})`,
        })
        .returning({ fence: leases.fence });
      return held === undefined ? undefined : { name, fence: held.fence };
    },

    async extend({ name, fence }, until) {
      const extended = await database
        .update(leases)
        .set({ expiresAt: new Date(until) })
        .where(and(eq(leases.name, name), eq(leases.fence, fence)))
        .returning({ name: leases.name });
      return extended.length === 1;
    },

    async release(lease, done) {
      const released = await database
        .update(leases)
        .set({
          expiresAt: new Date(0),
          ...(done === undefined ? {} : { doneAt: new Date(done.at), doneComplete: done.complete }),
        })
        .where(and(eq(leases.name, lease.name), eq(leases.fence, lease.fence)))
        .returning({ name: leases.name });
      return released.length === 1;
    },

    async lastDone(name) {
      const [row] = await database.select().from(leases).where(eq(leases.name, name));
      if (row === undefined || row.doneAt === null) return undefined;
      return { at: row.doneAt.getTime(), complete: row.doneComplete ?? false };
    },
  };
}
