import { eq, lt } from "drizzle-orm";

import type { DocumentCache } from "../../services/document-cache.ts";
import type { Database } from "./database.ts";
import { issuerDocuments } from "./schema.ts";

export function createDocumentCache(database: Database): DocumentCache {
  return {
    async read(url) {
      const [row] = await database.select().from(issuerDocuments).where(eq(issuerDocuments.url, url));
      return row === undefined ? undefined : { body: row.body, fetchedAt: row.fetchedAt.getTime() };
    },

    async write(url, { body, fetchedAt }) {
      const fetched = new Date(fetchedAt);
      await database
        .insert(issuerDocuments)
        .values({ url, body, fetchedAt: fetched })
        .onConflictDoUpdate({
          target: issuerDocuments.url,
          set: { body, fetchedAt: fetched },
          setWhere: lt(issuerDocuments.fetchedAt, fetched),
        });
    },
  };
}
