import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";
import { drizzle as drizzlePostgres } from "drizzle-orm/postgres-js";
import connect from "postgres";

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
  /** The same, with the database itself for whoever looks behind the stores. */
  readonly openWithView: () => Promise<{ readonly stores: Stores; readonly database: Database }>;
}

let embedded: Promise<PGlite> | undefined;
let server: Promise<Postgres> | undefined;

/** One PGlite and one PostgreSQL serve a whole run: starting either takes seconds. */
export const databaseKinds: readonly [DatabaseKind, DatabaseKind] = [
  {
    name: "PGlite",
    open: async () => (await openEmbedded()).stores,
    openWithView: openEmbedded,
  },
  {
    name: "PostgreSQL",
    async open() {
      server ??= startPostgres();
      return connectPostgres(await (await server).createDatabase(), 10);
    },
    async openWithView() {
      server ??= startPostgres();
      const client = connect(await (await server).createDatabase(), { max: 10, onnotice: () => undefined });
      const database = drizzlePostgres(client, { casing: "snake_case" });
      return { stores: await openStores(database, () => client.end({ timeout: 5 })), database };
    },
  },
];

async function openEmbedded(): Promise<{ stores: Stores; database: Database }> {
  embedded ??= PGlite.create({ extensions: { pg_trgm } });
  const database = drizzle(await embedded, { casing: "snake_case" });
  await database.execute(sql`drop extension if exists pg_trgm cascade`);
  await database.execute(sql`drop schema public cascade`);
  await database.execute(sql`create schema public`);
  return { stores: await openStores(database, () => Promise.resolve()), database };
}

/** For mocha's root `after`: nothing outlives the run. */
export async function closeDatabases(): Promise<void> {
  await (await embedded)?.close();
  await (await server)?.stop();
}
