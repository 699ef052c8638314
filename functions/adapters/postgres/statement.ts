import type { SelectedFieldsOrdered } from "drizzle-orm/pg-core";

import type { Database } from "./database.ts";

/** What Drizzle's builders make of themselves. */
interface Written<Rows> {
  getQuery(): { readonly sql: string; readonly params: unknown[] };
  execute(values: Readonly<Record<string, unknown>>): Promise<Rows>;
}

interface Plan {
  readonly text: { sql: string; params: unknown[] };
  readonly fields: SelectedFieldsOrdered | undefined;
  readonly joins: Record<string, boolean> | undefined;
}

/**
 * A statement that is written once and then sent in any transaction, with `sql.placeholder`s for what differs. Writing
 * one takes Drizzle longer than the rest of its way to the database, and its own prepared statements are bound to the
 * connection they were written on. Each connection keeps it prepared, which saves a second way there and back and a
 * parse, unless `prepare=false` stands in the database's address. For what every request or every create sends;
 * elsewhere it is not worth the trouble.
 */
export function statement<Rows>(
  write: (database: Database) => { prepare(name: string): Written<Rows> },
): (database: Database, values: Readonly<Record<string, unknown>>) => Promise<Rows> {
  let plan: Plan | undefined;
  return async (database, values) => {
    plan ??= read(write(database).prepare("written"));
    const query = database._.session.prepareQuery<{ execute: Rows; all: never; values: never }>(
      plan.text,
      plan.fields,
      "written",
      true,
    );
    return Object.assign(query, { joinsNotNullableMap: plan.joins }).execute(values);
  };
}

/** Drizzle keeps the two beside the text and does not declare them; the tests of every store fail when that changes. */
function read(written: Written<unknown>): Plan {
  const { sql, params } = written.getQuery();
  return {
    text: { sql, params },
    fields: Reflect.get(written, "fields") as SelectedFieldsOrdered | undefined,
    joins: Reflect.get(written, "joinsNotNullableMap") as Record<string, boolean> | undefined,
  };
}
