import { and, asc, gt, inArray, isNotNull, lt, sql } from "drizzle-orm";

import { upstreamPhases } from "../../policy/key-phase.ts";
import type { DriftStore } from "../../services/drift-store.ts";
import type { Database } from "./database.ts";
import { isLive, toKeyRow } from "./key-row.ts";
import { keys } from "./schema.ts";

export function createDriftStore(database: Database): DriftStore {
  return {
    async rowsOf(keyIds) {
      if (keyIds.length === 0) return [];
      const rows = await database
        .select()
        .from(keys)
        .where(inArray(keys.id, [...keyIds]));
      return rows.map(toKeyRow);
    },

    async workspaces() {
      const rows = await database
        .select({
          workspaceId: keys.workspaceId,
          keys: sql<number>`count(*) filter (where ${isLive()})::int`,
        })
        .from(keys)
        .groupBy(keys.workspaceId);
      return rows.map((row) => ({ workspaceId: row.workspaceId ?? undefined, keys: row.keys }));
    },

    async places(before, after, limit) {
      const rows = await database
        .select({ keyId: keys.id, upstreamHash: keys.upstreamHash })
        .from(keys)
        .where(
          and(
            inArray(keys.phase, [...upstreamPhases]),
            isNotNull(keys.upstreamHash),
            lt(keys.createdAt, new Date(before)),
            after === undefined ? undefined : gt(keys.id, after),
          ),
        )
        .orderBy(asc(keys.id))
        .limit(limit);
      return rows.flatMap(({ keyId, upstreamHash }) => (upstreamHash === null ? [] : [{ keyId, upstreamHash }]));
    },
  };
}
