import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import { drizzle as drizzleServer } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as z from "zod/mini";

import { connectPostgres, openStores } from "../../functions/adapters/postgres/connect.ts";
import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import type { Database } from "../../functions/adapters/postgres/database.ts";
import type { Postgres } from "./postgres/postgres.ts";
import { startPostgres } from "./postgres/postgres.ts";

/** A kind of database that the function runs on; every test of the function runs on each. */
export interface DatabaseKind {
  readonly name: string;
  /** Empty stores. Close them before asking for the next. */
  readonly open: () => Promise<Stores>;
  /** The same, with the database itself at hand for what no store does. */
  readonly openBare: () => Promise<{ readonly database: Database; readonly close: () => Promise<void> }>;
  /** Runs one statement in the database that was opened last, past every store. */
  readonly query: (statement: string) => Promise<readonly unknown[]>;
  /** The same, with the database itself for whoever looks behind the stores. */
  readonly openWithView: () => Promise<{ readonly stores: Stores; readonly database: Database }>;
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
      const { database, close } = await this.openBare();
      return openStores(database, close);
    },
    async openBare() {
      embedded ??= PGlite.create({ extensions: { pg_trgm } });
      const database = drizzle(await embedded, { casing: "snake_case" });
      await database.execute(sql`drop extension if exists pg_trgm cascade`);
      await database.execute(sql`drop schema public cascade`);
      await database.execute(sql`create schema public`);
      return { database, close: () => Promise.resolve() };
    },
    async openWithView() {
      const { database, close } = await this.openBare();
      return { stores: await openStores(database, close), database };
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
    async openBare() {
      server ??= startPostgres();
      const client = postgres(await (await server).createDatabase(), { max: 10, onnotice: () => undefined });
      return { database: drizzleServer(client, { casing: "snake_case" }), close: () => client.end() };
    },
    async openWithView() {
      const { database, close } = await this.openBare();
      return { stores: await openStores(database, close), database };
    },
  },
];

/** For mocha's `after`: nothing outlives the run. A later suite that opens one starts it again. */
export async function closeDatabases(): Promise<void> {
  const running = { embedded, server };
  embedded = undefined;
  server = undefined;
  await (await running.embedded)?.close();
  await (await running.server)?.stop();
}
