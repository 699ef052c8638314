import { and, asc, eq, inArray, sql } from "drizzle-orm";

import { addressesOf } from "../../policy/scim-user.ts";
import type { ScimQuery } from "../../policy/scim-query.ts";
import type { ScimRecord, ScimStore } from "../../services/scim-store.ts";
import type { Database } from "./database.ts";
import { scimAddresses, scimUsers } from "./nightly-schema.ts";

export function createScimStore(database: Database): ScimStore {
  return {
    add: (record) =>
      database.transaction(async (transaction) => {
        const added = await transaction
          .insert(scimUsers)
          .values({ id: record.id, createdAt: new Date(record.createdAt), ...fields(record) })
          .onConflictDoNothing()
          .returning({ id: scimUsers.id });
        if (added.length === 0) return "taken";
        await saveAddresses(transaction, record);
        return "added";
      }),

    async find(id) {
      const [row] = await database.select().from(scimUsers).where(eq(scimUsers.id, id));
      return row === undefined ? undefined : toRecord(row);
    },

    save: (record) =>
      database.transaction(async (transaction) => {
        const [other] = await transaction
          .select({ id: scimUsers.id })
          .from(scimUsers)
          .where(eq(scimUsers.userName, record.user.userName.toLowerCase()));
        if (other !== undefined && other.id !== record.id) return "taken";
        const saved = await transaction
          .update(scimUsers)
          .set(fields(record))
          .where(and(eq(scimUsers.id, record.id), eq(scimUsers.version, record.version - 1)))
          .returning({ id: scimUsers.id });
        if (saved.length === 0) return "stale";
        await saveAddresses(transaction, record);
        return "saved";
      }),

    async list(query, page) {
      const where = matching(database, query);
      const [[counted], rows] = await Promise.all([
        database
          .select({ total: sql<number>`count(*)::int` })
          .from(scimUsers)
          .where(where),
        database
          .select()
          .from(scimUsers)
          .where(where)
          .orderBy(asc(scimUsers.createdAt), asc(scimUsers.id))
          .offset(page.startIndex - 1)
          .limit(page.count),
      ]);
      return { total: counted?.total ?? 0, records: rows.map(toRecord) };
    },

    async match({ ids, externalIds, addresses }) {
      const [byId, byExternalId, byAddress] = await Promise.all([
        ids.length === 0
          ? []
          : database
              .select()
              .from(scimUsers)
              .where(inArray(scimUsers.id, [...ids])),
        externalIds.length === 0
          ? []
          : database
              .select()
              .from(scimUsers)
              .where(inArray(scimUsers.externalId, [...externalIds])),
        addresses.length === 0
          ? []
          : database
              .select()
              .from(scimUsers)
              .where(inArray(scimUsers.id, withAddress(database, addresses))),
      ]);
      const rows = new Map([...byId, ...byExternalId, ...byAddress].map((row) => [row.id, row]));
      return [...rows.values()].map(toRecord);
    },
  };
}

function fields({ user, version, changedAt }: ScimRecord) {
  return {
    user,
    userName: user.userName.toLowerCase(),
    externalId: user.externalId ?? null,
    active: user.active ?? null,
    version,
    changedAt: new Date(changedAt),
  };
}

async function saveAddresses(transaction: Database, { id, user }: ScimRecord): Promise<void> {
  await transaction.delete(scimAddresses).where(eq(scimAddresses.userId, id));
  await transaction.insert(scimAddresses).values(addressesOf(user).map((address) => ({ userId: id, address })));
}

function withAddress(database: Database, addresses: readonly string[]) {
  return database
    .select({ id: scimAddresses.userId })
    .from(scimAddresses)
    .where(inArray(scimAddresses.address, [...addresses]));
}

function matching(database: Database, query: ScimQuery) {
  return and(
    query.id === undefined ? undefined : sql`${scimUsers.id}::text = ${query.id.toLowerCase()}`,
    query.userName === undefined ? undefined : eq(scimUsers.userName, query.userName),
    query.externalId === undefined ? undefined : eq(scimUsers.externalId, query.externalId),
    query.active === undefined ? undefined : eq(scimUsers.active, query.active),
    query.email === undefined ? undefined : inArray(scimUsers.id, withAddress(database, [query.email])),
  );
}

/** JSON has no undefined: what was never pushed is missing there. */
function toRecord(row: typeof scimUsers.$inferSelect): ScimRecord {
  const { user } = row;
  return {
    id: row.id,
    user: {
      userName: user.userName,
      externalId: user.externalId,
      active: user.active,
      displayName: user.displayName,
      givenName: user.givenName,
      familyName: user.familyName,
      emails: user.emails.map(({ value, type, primary }) => ({ value, type, primary })),
    },
    version: row.version,
    createdAt: row.createdAt.getTime(),
    changedAt: row.changedAt.getTime(),
  };
}
