import { sql } from "drizzle-orm";

import { lazily } from "../../lazily.ts";
import type { AccountStore } from "../../services/account-store.ts";
import type { AuditStore } from "../../services/audit.ts";
import type { DirectoryStore } from "../../services/directory-store.ts";
import type { DocumentCache } from "../../services/document-cache.ts";
import type { DriftStore } from "../../services/drift-store.ts";
import type { IdentityStore } from "../../services/identity-store.ts";
import type { KeyStore } from "../../services/key-store.ts";
import type { LeaseStore } from "../../services/lease-store.ts";
import type { NightlyStore } from "../../services/nightly-store.ts";
import type { RaiseStore } from "../../services/raise-store.ts";
import type { RateStore } from "../../services/rate-store.ts";
import type { RevocationStore } from "../../services/revocation-store.ts";
import type { ScimStore } from "../../services/scim-store.ts";
import { createAccountStore } from "./account-store.ts";
import { createAuditStore } from "./audit-store.ts";
import { createDocumentCache } from "./document-cache.ts";
import { createKeyStore } from "./key-store.ts";
import { createLeaseStore } from "./lease-store.ts";
import { createRateStore } from "./rate-store.ts";
import type { Database } from "./database.ts";

/** What the function keeps its state in. */
export interface Stores {
  readonly keys: KeyStore;
  readonly accounts: AccountStore;
  readonly raises: RaiseStore;
  readonly audit: AuditStore;
  readonly rates: RateStore;
  readonly leases: LeaseStore;
  readonly identities: IdentityStore;
  readonly directoryStore: DirectoryStore;
  readonly nightly: NightlyStore;
  readonly revocations: RevocationStore;
  readonly drift: DriftStore;
  readonly scim: ScimStore;
  readonly documents: DocumentCache;
  readonly pingDatabase: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The stores on a database that is connected and up to date. */
export function storesOn(database: Database, close: () => Promise<void>): Stores {
  return {
    keys: createKeyStore(database),
    accounts: createAccountStore(database),
    raises: lazily(["ask", "find", "ofOwner", "all", "decide", "endOverdue"], async () =>
      (await import("./raise-store.ts")).createRaiseStore(database),
    ),
    audit: createAuditStore(database),
    rates: createRateStore(database),
    leases: createLeaseStore(database),
    // Both are rare: a start does not need what settles two accounts with one e-mail, or decides about a raise.
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
