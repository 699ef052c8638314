import { gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";

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
import type { Database } from "./database.ts";
import { createDocumentCache } from "./document-cache.ts";
import { createKeyStore } from "./key-store.ts";
import { createLeaseStore } from "./lease-store.ts";
import { migrate } from "./migrate.ts";
import { createRateStore } from "./rate-store.ts";
import { keys, leases } from "./schema.ts";

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

/** A PostgreSQL server, through postgres.js. `poolSize` connections at most. */
export async function connectPostgres(url: string, poolSize: number): Promise<Stores> {
  const client = postgres(url, {
    max: poolSize,
    connect_timeout: 5,
    idle_timeout: 60,
    // On each new connection it would ask for the types of arrays, in a query that nobody waits for: when the server
    // goes away meanwhile, its failure would end the process. Drizzle reads arrays by itself.
    fetch_types: false,
    // Notices of the server are not for our log.
    onnotice: () => undefined,
  });
  return openStores(drizzle(client, { casing: "snake_case" }), () => client.end({ timeout: 5 }));
}

/** PostgreSQL embedded in this process, kept in a folder that no other process may use meanwhile. */
export async function connectEmbedded(folder: string): Promise<Stores> {
  const { mkdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const { PGlite } = await import("@electric-sql/pglite");
  const { drizzle: drizzleEmbedded } = await import("drizzle-orm/pglite");
  const { lockFolder } = await import("./folder-lock.ts");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder);
  try {
    const { pg_trgm } = await import("@electric-sql/pglite/contrib/pg_trgm");
    const client = await PGlite.create(join(folder, "database"), { extensions: { pg_trgm } });
    const database = drizzleEmbedded(client, { casing: "snake_case" });
    const stores = await openStores(database, async () => {
      await client.close();
      await unlock();
    });
    // One process at a time works here, so whoever held a lease is gone.
    const over = new Date(0);
    await database.update(keys).set({ leaseUntil: over }).where(gt(keys.leaseUntil, over));
    await database.update(leases).set({ expiresAt: over });
    return stores;
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** The stores on a database that is already connected, brought up to date first. */
export async function openStores(database: Database, close: () => Promise<void>): Promise<Stores> {
  try {
    await migrate(database);
  } catch (error) {
    await close();
    throw error;
  }
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
