import type { Adapter, AdapterPayload } from "oidc-provider";

interface Row {
  readonly payload: AdapterPayload;
  /** Milliseconds since the epoch; Infinity for what never expires. */
  readonly expiresAt: number;
}

/**
 * Storage for one provider, in memory and not shared with any other, so that two issuers in one process never see
 * each other's sessions. Clients are not stored: `findClient` is asked each time, so that they may change.
 */
export function createMemoryAdapter(findClient: (id: string) => AdapterPayload | undefined): (name: string) => Adapter {
  const rows = new Map<string, Row>();

  function read(key: string): AdapterPayload | undefined {
    const row = rows.get(key);
    if (row === undefined) return undefined;
    if (row.expiresAt > Date.now()) return row.payload;

    rows.delete(key);
    return undefined;
  }

  function findWhere(prefix: string, matches: (payload: AdapterPayload) => boolean): AdapterPayload | undefined {
    for (const key of rows.keys()) {
      const payload = key.startsWith(prefix) ? read(key) : undefined;
      if (payload !== undefined && matches(payload)) return payload;
    }
    return undefined;
  }

  return (name) => ({
    upsert: async (id, payload, expiresIn) => {
      const expiresAt = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000;
      rows.set(`${name}:${id}`, { payload, expiresAt });
    },
    find: async (id) => (name === "Client" ? findClient(id) : read(`${name}:${id}`)),
    findByUid: async (uid) => findWhere(`${name}:`, (payload) => payload.uid === uid),
    findByUserCode: async (userCode) => findWhere(`${name}:`, (payload) => payload.userCode === userCode),
    consume: async (id) => {
      const row = rows.get(`${name}:${id}`);
      if (row === undefined) return;
      const consumed = Math.floor(Date.now() / 1000);
      rows.set(`${name}:${id}`, { ...row, payload: { ...row.payload, consumed } });
    },
    destroy: async (id) => {
      rows.delete(`${name}:${id}`);
    },
    revokeByGrantId: async (grantId) => {
      for (const [key, row] of rows) {
        if (row.payload.grantId === grantId) rows.delete(key);
      }
    },
  });
}
