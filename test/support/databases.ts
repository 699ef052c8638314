import { randomBytes } from "node:crypto";

import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { drizzle } from "drizzle-orm/pglite";
import { drizzle as drizzleServer } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Sql } from "postgres";
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

/** PostgreSQL with what new databases are made by. */
interface Server {
  readonly postgres: Postgres;
  readonly admin: Sql;
}

let latestUrl: string | undefined;
let embedded: Promise<PGlite> | undefined;
/** The catalog as the migrations left it in the embedded database; undefined when something else may be in it. */
let migratedCatalog: string | undefined;
let server: Promise<Server> | undefined;
/** A database that the migrations have run in and nobody is connected to. */
let template: Promise<string> | undefined;

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
      const isRestored = migratedCatalog !== undefined && (await readCatalog(client)) === migratedCatalog;
      if (isRestored) await restoreRows(client);
      else await this.openBare();
      const database = drizzle(client, { casing: "snake_case" });
      const stores = await openStores(database, () => Promise.resolve());
      if (!isRestored) {
        await keepRows(client);
        migratedCatalog = await readCatalog(client);
      }
      return { stores, database };
    },
    query: async (statement) => (await (await embedded)?.query(statement))?.rows ?? [],
  },
  {
    name: "PostgreSQL",
    async open() {
      return connectPostgres(await migratedDatabase(), 10);
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
      return connect(await (await getServer()).postgres.createDatabase());
    },
    async openWithView() {
      const { database, close } = connect(await copyTemplate());
      return { stores: await openStores(database, close), database };
    },
  },
];

function getEmbedded(): Promise<PGlite> {
  return (embedded ??= PGlite.create({ extensions: { pg_trgm } }));
}

/**
 * Changes when anything but rows does: each change of a table, column, rule, trigger, index, function or extension
 * writes its line of the catalog anew. Also when rows that are gone have left so much behind that it slows what follows.
 */
async function readCatalog(client: PGlite): Promise<string> {
  const lines = Object.entries(catalog).map(
    // What comes with PostgreSQL itself has lower numbers.
    ([table, id]) => `select '${table}' as name, ctid, xmin from ${table} where ${id} >= 16384`,
  );
  const { rows } = await client.query<{ readonly catalog: string }>(
    `select concat(
       (select md5(string_agg(concat_ws(' ', name, ctid, xmin), ';' order by name, ctid))
        from (${lines.join(" union all ")}) as lines),
       (select sum(pg_relation_size(oid)) / 5e6 > 1 from pg_class where relkind in ('r', 'i') and oid >= 16384)
     ) as catalog`,
  );
  return rows[0]?.catalog ?? "";
}

/** Tables of the catalog that only changes of the schema write into, and where each says what it is about. */
const catalog = {
  pg_attribute: "attrelid",
  pg_attrdef: "adrelid",
  pg_constraint: "oid",
  pg_index: "indexrelid",
  pg_trigger: "tgrelid",
  pg_proc: "oid",
  pg_type: "oid",
  pg_namespace: "oid",
  pg_extension: "oid",
};

/** Every table but the one that says which migrations have run. */
const eachTable = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'";

/** Sets aside the rows that migrations make themselves, and the numbers that these took. */
async function keepRows(client: PGlite): Promise<void> {
  await client.exec(`
    create schema kept;
    create table kept.numbers_used as select seqrelid, seqstart, pg_sequence_last_value(seqrelid) as last from pg_sequence;
    do $$ declare name text; begin
      for name in ${eachTable} loop
        execute format('create table kept.%1$I as table public.%1$I', name);
      end loop;
    end $$`);
}

/** Leaves the rows that were set aside and no others, in a tenth of the time that the migrations take. */
async function restoreRows(client: PGlite): Promise<void> {
  await client.exec(`
    begin;
    -- The record refuses to be emptied.
    set local session_replication_role = replica;
    do $$ declare name text; begin
      for name in ${eachTable} loop
        execute format('delete from public.%I', name);
        execute format('insert into public.%1$I overriding system value table kept.%1$I', name);
      end loop;
    end $$;
    select setval(seqrelid, coalesce(last, seqstart), last is not null) from kept.numbers_used;
    commit`);
}

function getServer(): Promise<Server> {
  return (server ??= startServer());
}

async function startServer(): Promise<Server> {
  // With hundreds of databases that live for seconds, it would be vacuuming all the time.
  const started = await startPostgres({ autovacuum: "off" });
  return { postgres: started, admin: postgres(started.url, { max: 1, onnotice: () => undefined }) };
}

/** A new database with everything that the migrations make; its connection string. */
async function copyTemplate(): Promise<string> {
  const { admin, postgres: running } = await getServer();
  template ??= makeTemplate(running);
  const name = `test_${randomBytes(8).toString("hex")}`;
  // Copying the files costs a tenth of writing all pages to the log as well.
  await admin.unsafe(`create database ${name} template ${await template} strategy file_copy`);
  return running.url.replace(/[^/]+$/, name);
}

async function makeTemplate(running: Postgres): Promise<string> {
  const name = "migrated";
  await (await connectPostgres(await running.createDatabase(name), 1)).close();
  return name;
}

/** The connection string of a new database on the server, with everything that the migrations make. */
export async function migratedDatabase(): Promise<string> {
  return (latestUrl = await copyTemplate());
}

/** A copy of a database that nobody is connected to, as a backup would bring it back; its connection string. */
export async function copyDatabase(url: string): Promise<string> {
  const { admin } = await getServer();
  const name = `test_${randomBytes(8).toString("hex")}`;
  await admin.unsafe(`create database ${name} template ${url.slice(url.lastIndexOf("/") + 1)} strategy file_copy`);
  return url.replace(/[^/]+$/, name);
}

/** The same without anything in it. */
export async function emptyDatabase(): Promise<string> {
  return (await getServer()).postgres.createDatabase();
}

function connect(url: string): { readonly database: Database; readonly close: () => Promise<void> } {
  const client = postgres(url, { max: 10, onnotice: () => undefined });
  return { database: drizzleServer(client, { casing: "snake_case" }), close: () => client.end() };
}

/** For mocha's `after`: nothing outlives the run. A later suite that opens one starts it again. */
export async function closeDatabases(): Promise<void> {
  const running = { embedded, server };
  embedded = undefined;
  migratedCatalog = undefined;
  server = undefined;
  template = undefined;
  await (await running.embedded)?.close();
  const stopping = await running.server;
  await stopping?.admin.end();
  await stopping?.postgres.stop();
}
