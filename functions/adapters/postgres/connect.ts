import { gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Sql, TransactionSql } from "postgres";

import type { AccountStore } from "../../services/account-store.ts";
import type { AuditStore } from "../../services/audit.ts";
import type { KeyStore } from "../../services/key-store.ts";
import type { LeaseStore } from "../../services/lease-store.ts";
import type { RaiseStore } from "../../services/raise-store.ts";
import type { RateStore } from "../../services/rate-store.ts";
import { createAccountStore } from "./account-store.ts";
import { createAuditStore } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { createKeyStore } from "./key-store.ts";
import { createLeaseStore } from "./lease-store.ts";
import { migrate } from "./migrate.ts";
import { createRaiseStore } from "./raise-store.ts";
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
  readonly pingDatabase: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * A PostgreSQL server, through postgres.js. `poolSize` connections at most. A pooler in between that does not know
 * prepared statements needs `prepare=false` in the address's query.
 */
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
  return openStores(drizzle(preparing(client), { casing: "snake_case" }), () => client.end({ timeout: 5 }));
}

/**
 * Drizzle sends every statement as an unnamed one, which costs a second round trip and a parse each time. There are few
 * texts, so each connection keeps them prepared instead.
 */
function preparing<Client extends Sql | TransactionSql>(client: Client): Client {
  return new Proxy(client, {
    get(target, name) {
      if (name === "unsafe") {
        return (...[text, parameters, options]: Parameters<Client["unsafe"]>) =>
          target.unsafe(text, parameters, { ...options, prepare: true });
      }
      if (name === "begin" && "begin" in target) {
        return (work: (transaction: TransactionSql) => unknown) =>
          target.begin((transaction) => work(preparing(transaction)));
      }
      return Reflect.get(target, name);
    },
  });
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
    raises: createRaiseStore(database),
    audit: createAuditStore(database),
    rates: createRateStore(database),
    leases: createLeaseStore(database),
    pingDatabase: async () => {
      await database.execute(sql`select 1`);
    },
    close,
  };
}
