import { fileURLToPath } from "node:url";

import { sql } from "drizzle-orm";
import type { MigrationMeta } from "drizzle-orm/migrator";
import { readMigrationFiles } from "drizzle-orm/migrator";

import type { Database } from "./database.ts";

/** Any constant will do, as long as nothing else in the same database uses it. */
const lock = 0x6f726b;

/** Which of this version's migrations are not applied yet, and how many are applied that it does not know. */
export async function compareMigrations(
  database: Database,
  hasTable: boolean,
): Promise<{ readonly pending: readonly MigrationMeta[]; readonly newer: number }> {
  const migrations = readMigrationFiles({ migrationsFolder: fileURLToPath(new URL("migrations", import.meta.url)) });
  const rows = hasTable ? await database.select({ hash: sql<string>`hash` }).from(sql`schema_migrations`) : [];
  const applied = new Set(rows.map(({ hash }) => hash));
  const known = migrations.filter(({ hash }) => applied.has(hash)).length;
  return { pending: migrations.filter(({ hash }) => !applied.has(hash)), newer: applied.size - known };
}

export async function hasMigrationsTable(database: Database): Promise<boolean> {
  const [row] = await database
    .select({ has: sql<boolean>`to_regclass('schema_migrations') is not null` })
    .from(sql`(select 1) as facts`);
  return row?.has ?? false;
}

/**
 * Applies the generated migrations that are not yet applied, all in one transaction under a lock, so that two
 * processes may start at once and a killed one leaves nothing half done.
 */
export async function migrate(database: Database): Promise<void> {
  // Nearly every start finds nothing to do, and needs no lock to see that.
  const isCurrent = await compareMigrations(database, true).then(
    ({ pending }) => pending.length === 0,
    // There is no table yet, or no database, which shows below.
    () => false,
  );
  if (isCurrent) return;
  await database.transaction(async (transaction) => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${lock})`);
    await transaction.execute(
      sql`create table if not exists schema_migrations (hash text primary key, applied_at timestamptz not null default now())`,
    );
    const { pending } = await compareMigrations(transaction, true);
    for (const migration of pending) {
      for (const statement of migration.sql) await transaction.execute(sql.raw(statement));
      await transaction.execute(sql`insert into schema_migrations (hash) values (${migration.hash})`);
    }
  });
}
