import { sql } from "drizzle-orm";

import { lazily } from "../../lazily.ts";
import type { Deps } from "../../services/deps.ts";
import type { DocumentCache } from "../../services/document-cache.ts";
import { createAccountStore } from "./account-store.ts";
import { createAuditStore } from "./audit-store.ts";
import { createDocumentCache } from "./document-cache.ts";
import { createKeyStore } from "./key-store.ts";
import { createLeaseStore } from "./lease-store.ts";
import { createRateStore } from "./rate-store.ts";
import type { Database } from "./database.ts";

/** What the function keeps its state in. */
export interface Stores extends Pick<
  Deps,
  | "keys"
  | "accounts"
  | "raises"
  | "audit"
  | "rates"
  | "leases"
  | "identities"
  | "directoryStore"
  | "nightly"
  | "revocations"
  | "drift"
  | "scim"
  | "pingDatabase"
> {
  readonly documents: DocumentCache;
  readonly close: () => Promise<void>;
}

/** The stores on a database that is connected and up to date. Those that a start does not need are loaded when used. */
export function storesOn(database: Database, close: () => Promise<void>): Stores {
  return {
    keys: createKeyStore(database),
    accounts: createAccountStore(database),
    raises: lazily(["ask", "find", "ofOwner", "all", "waitingFor", "decide", "endOverdue"], async () =>
      (await import("./raise-store.ts")).createRaiseStore(database),
    ),
    audit: createAuditStore(database),
    rates: createRateStore(database),
    leases: createLeaseStore(database),
    identities: lazily(["record", "list", "find", "decide"], async () =>
      (await import("./identity-store.ts")).createIdentityStore(database),
    ),
    directoryStore: lazily(
      ["enlist", "peopleToAsk", "personToAsk", "saveAnswers", "answersAbout", "memory", "saveMemory"],
      async () => (await import("./directory-store.ts")).createDirectoryStore(database),
    ),
    nightly: lazily(
      [
        "checkedPeople",
        "saveStandings",
        "countHolders",
        "countBlockedSince",
        "longUnknown",
        "saveRun",
        "runs",
        "run",
        "latestRun",
        "approvedRun",
        "approveRun",
        "deployedAt",
      ],
      async () => (await import("./nightly-store.ts")).createNightlyStore(database),
    ),
    revocations: lazily(
      [
        "block",
        "unblock",
        "endSessionsOf",
        "ownersNamed",
        "claim",
        "confirm",
        "retry",
        "nextAt",
        "ownersLeft",
        "stuck",
        "claimKept",
        "hold",
        "letGo",
      ],
      async () => (await import("./revocation-store.ts")).createRevocationStore(database),
    ),
    drift: lazily(["rowsOf", "workspaces", "places"], async () =>
      (await import("./drift-store.ts")).createDriftStore(database),
    ),
    scim: lazily(["add", "find", "save", "list", "match"], async () =>
      (await import("./scim-store.ts")).createScimStore(database),
    ),
    documents: createDocumentCache(database),
    pingDatabase: async () => {
      await database.execute(sql`select 1`);
    },
    close,
  };
}
