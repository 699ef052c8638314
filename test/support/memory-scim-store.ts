import { matchesQuery } from "../../functions/policy/scim-query.ts";
import type { ScimRecord, ScimStore } from "../../functions/services/scim-store.ts";

export function createMemoryScimStore(): ScimStore & { readonly records: ReadonlyMap<string, ScimRecord> } {
  const records = new Map<string, ScimRecord>();
  const isTaken = ({ id, user }: ScimRecord): boolean =>
    [...records.values()].some(
      (other) => other.id !== id && other.user.userName.toLowerCase() === user.userName.toLowerCase(),
    );
  return {
    records,
    async add(record) {
      if (isTaken(record)) return "taken";
      records.set(record.id, record);
      return "added";
    },
    find: async (id) => records.get(id),
    async save(record) {
      if (records.get(record.id)?.version !== record.version - 1) return "stale";
      if (isTaken(record)) return "taken";
      records.set(record.id, record);
      return "saved";
    },
    async list(query, { startIndex, count }) {
      const found = [...records.values()].filter(({ id, user }) => matchesQuery(query, id, user));
      return { total: found.length, records: found.slice(startIndex - 1, startIndex - 1 + count) };
    },
    async match({ ids, externalIds, addresses }) {
      return [...records.values()].filter(
        ({ id, user }) =>
          ids.includes(id) ||
          (user.externalId !== undefined && externalIds.includes(user.externalId)) ||
          [user.userName, ...user.emails.map(({ value }) => value)].some((each) =>
            addresses.includes(each.toLowerCase()),
          ),
      );
    },
  };
}
