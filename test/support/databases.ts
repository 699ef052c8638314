import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import { drizzle as drizzleServer } from "drizzle-orm/postgres-js";
import postgres from "postgres";

import { connectPostgres, openStores } from "../../functions/adapters/postgres/connect.ts";
import type { Stores } from "../../functions/adapters/postgres/connect.ts";
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
}

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
  },
  {
    name: "PostgreSQL",
    async open() {
      server ??= startPostgres();
      return connectPostgres(await (await server).createDatabase(), 10);
    },
    async openBare() {
      server ??= startPostgres();
      const client = postgres(await (await server).createDatabase(), { max: 2, onnotice: () => undefined });
      return { database: drizzleServer(client, { casing: "snake_case" }), close: () => client.end() };
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
