import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";

import type { AccountStore } from "../../services/account-store.ts";
import type { DocumentCache } from "../../services/document-cache.ts";
import type { IdentityStore } from "../../services/identity-store.ts";
import type { KeyStore } from "../../services/key-store.ts";
import { createAccountStore } from "./account-store.ts";
import type { Database } from "./database.ts";
import { createDocumentCache } from "./document-cache.ts";
import { createIdentityStore } from "./identity-store.ts";
import { createKeyStore } from "./key-store.ts";
import { migrate } from "./migrate.ts";
import { keys } from "./schema.ts";

/** What the function keeps its state in. */
export interface Stores {
  readonly keys: KeyStore;
  readonly accounts: AccountStore;
  readonly identities: IdentityStore;
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
    const client = await PGlite.create(join(folder, "database"));
    const database = drizzleEmbedded(client, { casing: "snake_case" });
    const stores = await openStores(database, async () => {
      await client.close();
      await unlock();
    });
    // One process at a time works here, so whoever held these reservations is gone.
    await database
      .update(keys)
      .set({ leaseUntil: new Date(0) })
      .where(eq(keys.lifecycle, "reserved"));
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
    identities: createIdentityStore(database),
    documents: createDocumentCache(database),
    pingDatabase: async () => {
      await database.execute(sql`select 1`);
    },
    close,
  };
}
