import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import postgres from "postgres";
import * as z from "zod/mini";

import { connectPostgres, openStores } from "../../functions/adapters/postgres/connect.ts";
import type { Stores } from "../../functions/adapters/postgres/connect.ts";
import type { Postgres } from "./postgres/postgres.ts";
import { startPostgres } from "./postgres/postgres.ts";

/** A kind of database that the function runs on; every test of the function runs on each. */
export interface DatabaseKind {
  readonly name: string;
  /** Empty stores. Close them before asking for the next. */
  readonly open: () => Promise<Stores>;
  /** Runs one statement in the database that was opened last, past every store. */
  readonly query: (statement: string) => Promise<readonly unknown[]>;
}

/** Every row of every table, as text. */
export async function dump(kind: DatabaseKind): Promise<string> {
  const tables = await kind.query(
    "select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'",
  );
  const names = z.array(z.object({ name: z.string() })).parse(tables);
  const rows = await Promise.all(names.map(({ name }) => kind.query(`select * from "${name}"`)));
  return JSON.stringify(names.map(({ name }, index) => [name, rows[index]]));
}

let latestUrl: string | undefined;
let embedded: Promise<PGlite> | undefined;
let server: Promise<Postgres> | undefined;

/** One PGlite and one PostgreSQL serve a whole run: starting either takes seconds. */
export const databaseKinds: readonly [DatabaseKind, DatabaseKind] = [
  {
    name: "PGlite",
    async open() {
      embedded ??= PGlite.create();
      const database = drizzle(await embedded, { casing: "snake_case" });
      await database.execute(sql`drop schema public cascade`);
      await database.execute(sql`create schema public`);
      return openStores(database, () => Promise.resolve());
    },
    query: async (statement) => (await (await embedded)?.query(statement))?.rows ?? [],
  },
  {
    name: "PostgreSQL",
    async open() {
      server ??= startPostgres();
      latestUrl = await (await server).createDatabase();
      return connectPostgres(latestUrl, 10);
    },
    async query(statement) {
      if (latestUrl === undefined) return [];
      const client = postgres(latestUrl, { max: 1 });
      try {
        return await client.unsafe(statement);
      } finally {
        await client.end();
      }
    },
  },
];

/** For mocha's root `after`: nothing outlives the run. */
export async function closeDatabases(): Promise<void> {
  await (await embedded)?.close();
  await (await server)?.stop();
}
