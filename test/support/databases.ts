import { randomBytes } from "node:crypto";

import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { drizzle } from "drizzle-orm/pglite";
import { drizzle as drizzleServer } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Sql } from "postgres";
import * as z from "zod/mini";

import { connectPostgres, openStores } from "../../functions/adapters/postgres/connect.ts";
import { openClient } from "../../functions/adapters/postgres/postgres-client.ts";
import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { storesOn } from "../../functions/adapters/postgres/stores.ts";
import type { Database } from "../../functions/adapters/postgres/database.ts";
import { keepRows, readCatalog, restoreRows } from "./kept-rows.ts";
import type { Plain } from "./kept-rows.ts";
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

/** PostgreSQL with what new databases are made by. */
interface Server {
  readonly postgres: Postgres;
  readonly admin: Sql;
  /** Databases that nobody uses at the moment. */
  readonly idle: Copy[];
  /** All that were made. */
  readonly copies: Copy[];
}

/** A database with everything that the migrations make, and the connections to it, which outlive who uses them. */
interface Copy extends Plain {
  readonly database: Database;
  readonly end: () => Promise<void>;
}

/** What the migrations make, in a database that nobody is connected to. */
interface Template {
  readonly name: string;
  /** The catalog as it is in each copy; it is another one when something else may be in there. */
  readonly catalog: string;
}

let latest: Copy | undefined;
let embedded: Promise<PGlite> | undefined;
/** The catalog as the migrations left it in the embedded database; undefined when something else may be in it. */
let migratedCatalog: string | undefined;
let server: Promise<Server> | undefined;
let template: Promise<Template> | undefined;

/** One PGlite and one PostgreSQL serve a whole run: starting either takes seconds. */
export const databaseKinds: readonly [DatabaseKind, DatabaseKind] = [
  {
    name: "PGlite",
    async open() {
      return (await this.openWithView()).stores;
    },
    async openBare() {
      const client = await getEmbedded();
      migratedCatalog = undefined;
      await client.exec(
        "drop extension if exists pg_trgm cascade; drop schema if exists kept cascade; drop schema public cascade; create schema public",
      );
      return { database: drizzle(client, { casing: "snake_case" }), close: () => Promise.resolve() };
    },
    async openWithView() {
      const client = await getEmbedded();
      const plain: Plain = { run: async (statement) => (await client.query(statement)).rows };
      const database = drizzle(client, { casing: "snake_case" });
      const close = () => Promise.resolve();
      if (migratedCatalog !== undefined && (await readCatalog(plain)) === migratedCatalog) {
        await restoreRows(plain);
        return { stores: storesOn(database, close), database };
      }
      await this.openBare();
      const stores = await openStores(database, close);
      await keepRows(plain);
      migratedCatalog = await readCatalog(plain);
      return { stores, database };
    },
    query: async (statement) => (await (await embedded)?.query(statement))?.rows ?? [],
  },
  {
    name: "PostgreSQL",
    async open() {
      return (await this.openWithView()).stores;
    },
    query: async (statement) => (await latest?.run(statement)) ?? [],
    async openBare() {
      const client = postgres(await emptyDatabase(), { max: 10, onnotice: () => undefined });
      return { database: drizzleServer(client, { casing: "snake_case" }), close: () => client.end() };
    },
    async openWithView() {
      const copy = await takeCopy();
      latest = copy;
      const { idle } = await getServer();
      const stores = storesOn(copy.database, async () => {
        if (!idle.includes(copy)) idle.push(copy);
      });
      return { stores, database: copy.database };
    },
  },
];

function getEmbedded(): Promise<PGlite> {
  return (embedded ??= PGlite.create({ extensions: { pg_trgm } }));
}

function getServer(): Promise<Server> {
  return (server ??= startServer());
}

async function startServer(): Promise<Server> {
  // With databases that are emptied every second, it would be vacuuming all the time.
  const started = await startPostgres({ autovacuum: "off" });
  return {
    postgres: started,
    admin: postgres(started.url, { max: 1, onnotice: () => undefined }),
    idle: [],
    copies: [],
  };
}

/** An empty database of one's own on the server that all share; its connection string. */
export async function emptyDatabase(): Promise<string> {
  return (await getServer()).postgres.createDatabase();
}

/** One that somebody has used before and that is as the migrations leave it again, or a new one. */
async function takeCopy(): Promise<Copy> {
  const { idle, copies } = await getServer();
  const { catalog } = await getTemplate();
  for (let used = idle.pop(); used !== undefined; used = idle.pop()) {
    if ((await readCatalog(used)) === catalog) {
      await restoreRows(used);
      return used;
    }
    await used.end();
  }
  const client = openClient(await copyTemplate(), 10);
  const copy: Copy = {
    database: drizzleServer(client, { casing: "snake_case" }),
    run: (statement) => client.unsafe(statement),
    end: () => client.end(),
  };
  copies.push(copy);
  return copy;
}

/** A new database with everything that the migrations make, for processes too; its connection string. */
export async function copyTemplate(): Promise<string> {
  const { postgres: running } = await getServer();
  return copyDatabase(running.url.replace(/[^/]+$/, (await getTemplate()).name));
}

/** A copy of a database that nobody is connected to, as a backup would bring it back; its connection string. */
export async function copyDatabase(url: string): Promise<string> {
  const { admin } = await getServer();
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copying the files costs a tenth of writing all pages to the log as well.
  await admin.unsafe(`create database ${name} template ${url.slice(url.lastIndexOf("/") + 1)} strategy file_copy`);
  return url.replace(/[^/]+$/, name);
}

function getTemplate(): Promise<Template> {
  return (template ??= makeTemplate());
}

async function makeTemplate(): Promise<Template> {
  const { postgres: running } = await getServer();
  const name = "migrated";
  const url = await running.createDatabase(name);
  await (await connectPostgres(url, 1)).close();
  const client = postgres(url, { max: 1, onnotice: () => undefined });
  const plain: Plain = { run: (statement) => client.unsafe(statement) };
  await keepRows(plain);
  const catalog = await readCatalog(plain);
  await client.end();
  return { name, catalog };
}

/** For mocha's `after`: nothing outlives the run. A later suite that opens one starts it again. */
export async function closeDatabases(): Promise<void> {
  const running = { embedded, server };
  embedded = undefined;
  migratedCatalog = undefined;
  latest = undefined;
  server = undefined;
  template = undefined;
  await (await running.embedded)?.close();
  const stopping = await running.server;
  await Promise.all(stopping?.copies.map(({ end }) => end()) ?? []);
  await stopping?.admin.end();
  await stopping?.postgres.stop();
}
