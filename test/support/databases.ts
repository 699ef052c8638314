import { PGlite } from "@electric-sql/pglite";
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/pglite";

import { connectPostgres, openStores } from "../../functions/adapters/postgres/connect.ts";
import type { Stores } from "../../functions/adapters/postgres/connect.ts";
import type { Postgres } from "./postgres/postgres.ts";
import { startPostgres } from "./postgres/postgres.ts";

/** A kind of database that the function runs on; every test of the function runs on each. */
export interface DatabaseKind {
  readonly name: string;
  /** Empty stores. Close them before asking for the next. */
  readonly open: () => Promise<Stores>;
}

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
  },
  {
    name: "PostgreSQL",
    async open() {
      server ??= startPostgres();
      return connectPostgres(await (await server).createDatabase(), 10);
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
