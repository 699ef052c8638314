import { fileURLToPath } from "node:url";

import { sql } from "drizzle-orm";
import { readMigrationFiles } from "drizzle-orm/migrator";

import type { Database } from "./database.ts";

/** Any constant will do, as long as nothing else in the same database uses it. */
const lock = 0x6f726b;

/**
 * Applies the generated migrations that are not yet applied, all in one transaction under a lock, so that two
 * processes may start at once and a killed one leaves nothing half done.
 */
export async function migrate(database: Database): Promise<void> {
  const migrations = readMigrationFiles({ migrationsFolder: fileURLToPath(new URL("migrations", import.meta.url)) });
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${lock})`);
    await transaction.execute(
      sql`create table if not exists schema_migrations (hash text primary key, applied_at timestamptz not null default now())`,
    );
    for (const migration of migrations) {
      const added = await transaction
        .select({ count: sql<number>`count(*)::int` })
        .from(sql`schema_migrations`)
        .where(sql`hash = ${migration.hash}`);
      if (added[0]?.count === 1) continue;
      for (const statement of migration.sql) await transaction.execute(sql.raw(statement));
      await transaction.execute(sql`insert into schema_migrations (hash) values (${migration.hash})`);
    }
  });
}
