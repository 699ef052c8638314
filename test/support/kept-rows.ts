/** A database that statements are sent to as they stand. */
export interface Plain {
  readonly run: (statement: string) => Promise<readonly unknown[]>;
}

/**
 * Changes when anything but rows does: each change of a table, column, rule, trigger, index, function or extension
 * writes its line of the catalog anew. Also when rows that are gone have left so much behind that it slows what follows.
 */
export async function readCatalog({ run }: Plain): Promise<string> {
  const lines = Object.entries(catalog).map(
    // What comes with PostgreSQL itself has lower numbers.
    ([table, id]) => `select '${table}' as name, ctid, xmin from ${table} where ${id} >= 16384`,
  );
  const rows = await run(
    `select concat(
       (select md5(string_agg(concat_ws(' ', name, ctid, xmin), ';' order by name, ctid))
        from (${lines.join(" union all ")}) as lines),
       (select sum(pg_relation_size(oid)) / 5e6 > 1 from pg_class where relkind in ('r', 'i') and oid >= 16384)
     ) as catalog`,
  );
  return String(Object(rows[0]).catalog);
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
export async function keepRows({ run }: Plain): Promise<void> {
  await run("create schema kept");
  await run(`
    create table kept.numbers_used as
    select seqrelid, seqstart, pg_sequence_last_value(seqrelid) as last from pg_sequence`);
  await run(`
    do $$ declare name text; begin
      for name in ${eachTable} loop
        execute format('create table kept.%1$I as table public.%1$I', name);
      end loop;
    end $$`);
}

/** Leaves the rows that were set aside and no others, in a tenth of the time that the migrations take. */
export async function restoreRows({ run }: Plain): Promise<void> {
  await run(`
    do $$ declare name text; begin
      -- The record refuses to be emptied.
      perform set_config('session_replication_role', 'replica', true);
      for name in ${eachTable} loop
        execute format('delete from public.%I', name);
        execute format('insert into public.%1$I overriding system value table kept.%1$I', name);
      end loop;
      perform setval(seqrelid, coalesce(last, seqstart), last is not null) from kept.numbers_used;
    end $$`);
}
