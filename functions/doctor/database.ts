import type { DatabaseState } from "../adapters/postgres/inspect.ts";
import type { Settings } from "../settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";

/** The oldest PostgreSQL whose makers still mend it. */
const oldest = 14;

export function judgeDatabase(
  { databaseUrl, dataDir }: Pick<Settings, "databaseUrl" | "dataDir">,
  state: DatabaseState,
): Check {
  const about = databaseUrl === undefined ? `Database in ${dataDir}` : "Database in DATABASE_URL";
  switch (state.kind) {
    case "away":
      return fault(
        about,
        "It cannot be reached.",
        "Start it, or correct host and port in DATABASE_URL; a firewall between them may have to let this machine in.",
      );
    case "refused":
      return refused(about, state.code, databaseUrl === undefined);
    case "none":
      return hint(
        about,
        "There is none yet.",
        "The function makes it when it first starts from the project's folder; several processes, the one file, and hosts without a disk need PostgreSQL in DATABASE_URL.",
      );
    case "in use":
      return hint(
        about,
        `Process ${state.process} uses it, so it could not be looked at.`,
        "Ask that process by GET /v1/health, or stop it and try again.",
      );
    case "open":
      return open(about, state);
  }
}

function refused(about: string, code: string, isEmbedded: boolean): Check {
  if (isEmbedded) {
    return fault(
      about,
      `A copy of it cannot be opened (${code}).`,
      "Restore the folder from a backup, or move it away to begin anew.",
    );
  }
  const mends: Readonly<Record<string, string>> = {
    "28P01": "Correct the user and the password in DATABASE_URL.",
    "28000":
      "Correct the user in DATABASE_URL, or let that user in from this machine (pg_hba.conf); a hosted database may need ?sslmode=require.",
    "3D000": "Create the database that DATABASE_URL names, or correct its name.",
    "42501": "Give the user of DATABASE_URL the right to read its schema.",
  };
  return fault(
    about,
    `PostgreSQL answers, but refuses (${code}).`,
    mends[code] ?? "Look up this code in PostgreSQL's list of error codes, and correct DATABASE_URL or the server.",
  );
}

function open(about: string, state: Extract<DatabaseState, { kind: "open" }>): Check {
  const version = Math.floor(state.version / 10_000);
  if (version < oldest) {
    return fault(about, `It is PostgreSQL ${version}.`, `Take PostgreSQL ${oldest} or newer.`);
  }
  if (state.pending > 0 && !state.hasTrigrams) {
    return fault(
      about,
      "The server does not offer the extension pg_trgm, which the search of all keys needs.",
      "Install PostgreSQL's contrib modules, or allow pg_trgm in the hosting's list of extensions.",
    );
  }
  if (state.pending > 0 && !state.mayMigrate) {
    return fault(
      about,
      `${state.pending} migrations are not applied, and the user of DATABASE_URL may not apply them.`,
      "Run npm run migrate with a user that may create tables and extensions, or give this one CREATE on the database and its schema.",
    );
  }
  if (state.pending > 0) {
    return hint(
      about,
      `It answers (PostgreSQL ${version}); ${state.pending} migrations are not applied yet.`,
      "On Node the next start applies them; for Cloudflare and Vercel run npm run migrate before you deploy.",
    );
  }
  if (state.newer > 0) {
    return hint(
      about,
      `It answers (PostgreSQL ${version}) and was brought up to date by a newer version of the function.`,
      "That is meant to work while versions change over; run the newer version when that is done.",
    );
  }
  return good(about, `It answers (PostgreSQL ${version}) and is up to date.`);
}
