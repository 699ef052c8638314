import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** postgres.js or PGlite, or a transaction on one of them: the stores run alike on all. */
export type Database = PgDatabase<PgQueryResultHKT>;

/** postgres.js, Node and PostgreSQL each name "the database is not there" their own way. */
const awayCodes =
  /^(?:08\w{3}|57P0[1-3]|53300|CONNECTION_(?:CLOSED|ENDED|DESTROYED|CONNECT_TIMEOUT)|CONNECT_TIMEOUT|ECONN\w+|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN)$/;

/** True for errors that say that the database cannot be reached, whatever they are wrapped in. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && awayCodes.test(error.code)) return true;
  return isDatabaseAway(error.cause);
}
