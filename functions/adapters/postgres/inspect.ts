import { cp, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";

import type { Database } from "./database.ts";
import { isDatabaseAway } from "./database.ts";
import { folderHolder } from "./folder-lock.ts";
import { compareMigrations, hasMigrationsTable } from "./migrate.ts";
import { openClient } from "./postgres-client.ts";

/** What a look at the database shows, without a change to it. */
export type DatabaseState =
  | {
      readonly kind: "open";
      /** As the server names itself: 170002 is 17.2. */
      readonly version: number;
      /** Migrations of this version that are not applied yet. */
      readonly pending: number;
      /** Applied ones that this version does not know. */
      readonly newer: number;
      /** Whether pending migrations could be applied by this user. */
      readonly mayMigrate: boolean;
      /** Whether the server has the extension pg_trgm to offer. */
      readonly hasTrigrams: boolean;
    }
  | { readonly kind: "away" }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "none" }
  | { readonly kind: "in use"; readonly process: number };

export async function inspectPostgres(url: string): Promise<DatabaseState> {
  const client = openClient(url, 1);
  try {
    return await look(drizzle(client, { casing: "snake_case" }));
  } catch (error) {
    return failure(error);
  } finally {
    await client.end({ timeout: 5 });
  }
}

/** Opening a database writes to its files, so that a copy is opened. */
export async function inspectEmbedded(folder: string): Promise<DatabaseState> {
  const path = join(folder, "database");
  if (!(await exists(path))) return { kind: "none" };
  const process = await folderHolder(folder);
  if (process !== undefined) return { kind: "in use", process };
  const [{ PGlite }, { pg_trgm }, { drizzle: drizzleEmbedded }] = await Promise.all([
    import("@electric-sql/pglite"),
    import("@electric-sql/pglite/contrib/pg_trgm"),
    import("drizzle-orm/pglite"),
  ]);
  const copy = await mkdtemp(join(tmpdir(), "openrouter-keys-doctor-"));
  try {
    await cp(path, copy, { recursive: true });
    const client = await PGlite.create(copy, { extensions: { pg_trgm } });
    try {
      return await look(drizzleEmbedded(client, { casing: "snake_case" }));
    } finally {
      await client.close();
    }
  } catch (error) {
    return failure(error);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

function look(database: Database): Promise<DatabaseState> {
  return database.transaction(
    async (transaction) => {
      const [facts] = await transaction
        .select({
          version: sql<number>`current_setting('server_version_num')::int`,
          mayMigrate: sql<boolean>`has_schema_privilege(current_schema(), 'create') and has_database_privilege(current_database(), 'create')`,
          hasTrigrams: sql<boolean>`exists (select from pg_available_extensions where name = 'pg_trgm')`,
        })
        .from(sql`(select 1) as facts`);
      const { pending, newer } = await compareMigrations(transaction, await hasMigrationsTable(transaction));
      return {
        kind: "open",
        version: facts?.version ?? 0,
        pending: pending.length,
        newer,
        mayMigrate: facts?.mayMigrate ?? false,
        hasTrigrams: facts?.hasTrigrams ?? false,
      };
    },
    { accessMode: "read only" },
  );
}

function failure(error: unknown): DatabaseState {
  if (isDatabaseAway(error)) return { kind: "away" };
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  // The text of a driver's error may quote the address with its password.
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "no code";
  return { kind: "refused", code };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
