import { gt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";

import type { Database } from "./database.ts";
import { migrate } from "./migrate.ts";
import { openClient } from "./postgres-client.ts";
import { keys, leases } from "./schema.ts";
import type { Stores } from "./stores.ts";
import { storesOn } from "./stores.ts";

/** A PostgreSQL server, through postgres.js. `poolSize` connections at most. */
export async function connectPostgres(url: string, poolSize: number): Promise<Stores> {
  const client = openClient(url, poolSize);
  return openStores(drizzle(client, { casing: "snake_case" }), () => client.end({ timeout: 5 }));
}

/** PostgreSQL embedded in this process, kept in a folder that no other process may use meanwhile. */
export async function connectEmbedded(folder: string): Promise<Stores> {
  const { mkdir } = await import("node:fs/promises");
  const { join } = await import("node:path");
  const { PGlite } = await import("@electric-sql/pglite");
  const { drizzle: drizzleEmbedded } = await import("drizzle-orm/pglite");
  const { lockFolder } = await import("./folder-lock.ts");
  const { pg_trgm } = await import("@electric-sql/pglite/contrib/pg_trgm");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder);
  try {
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
  return storesOn(database, close);
}
