import { Hono } from "hono";

import { createKey, liveKey, liveKeys } from "./account.ts";
import type { Account, KeyRecord } from "./account.ts";
import { answer, messages, refusal } from "./answers.ts";
import { managementOnly } from "./auth.ts";
import { jsonBody } from "./context.ts";
import type { StandInEnv } from "./context.ts";
import { parseChanges, parseCreate, parseListQuery } from "./key-fields.ts";
import type { KeyChanges } from "./key-fields.ts";
import { keyObject, spendShownTo } from "./key-object.ts";

/** GET and POST /keys; GET, PATCH and DELETE /keys/{hash}. */
export function keyRoutes(account: Account): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>({ strict: false });
  const shown = (key: KeyRecord) => keyObject(account, key, spendShownTo(account));
  routes.use(managementOnly);

  routes.get("/", (c) => {
    const query = parseListQuery(c.req.query());
    if (query === undefined) return refusal(c.req.path, 400, messages.badRequest);
    const workspaceId = query.workspaceId ?? account.defaultWorkspaceId;
    const page = liveKeys(account)
      .filter((key) => key.workspaceId === workspaceId && (query.includeDisabled || key.disabledSince === null))
      .slice(query.offset, query.offset + account.knobs.read().pageSize);
    return answer(200, { data: page.map(shown) });
  });

  routes.post("/", (c) => {
    const wishes = parseCreate(jsonBody(c), account.defaultWorkspaceId);
    if (wishes === undefined || !account.workspaces.has(wishes.workspaceId)) {
      return refusal(c.req.path, 400, messages.badRequest);
    }
    const { record, secret } = createKey(account, wishes);
    return answer(201, { data: shown(record), key: secret });
  });

  routes.get("/:hash", (c) => {
    const key = liveKey(account, c.req.param("hash"));
    return key === undefined ? refusal(c.req.path, 404, messages.notFound) : answer(200, { data: shown(key) });
  });

  routes.patch("/:hash", (c) => {
    const key = liveKey(account, c.req.param("hash"));
    if (key === undefined) return refusal(c.req.path, 404, messages.notFound);
    const changes = parseChanges(jsonBody(c));
    if (changes === undefined) return refusal(c.req.path, 400, messages.badRequest);
    const changed = changedKey(key, changes, account.clock.now());
    account.keys.set(key.hash, changed);
    return answer(200, { data: shown(changed) });
  });

  routes.delete("/:hash", (c) => {
    const key = liveKey(account, c.req.param("hash"));
    if (key === undefined) return refusal(c.req.path, 404, messages.notFound);
    account.keys.set(key.hash, { ...key, deletedAt: account.clock.now() });
    account.assignments.delete(key.hash);
    return answer(200, { deleted: true });
  });

  return routes;
}

function changedKey(key: KeyRecord, changes: KeyChanges, now: Date): KeyRecord {
  const isDisabled = changes.disabled ?? key.disabledSince !== null;
  return {
    ...key,
    name: changes.name ?? key.name,
    // Disabling again does not restart the lag that the first disable began.
    disabledSince: isDisabled ? (key.disabledSince ?? now) : null,
    // null is a value here (no limit), so that only an absent field keeps the old one.
    limit: changes.limit === undefined ? key.limit : changes.limit,
    limitReset: changes.limit_reset === undefined ? key.limitReset : changes.limit_reset,
    includeByokInLimit: changes.include_byok_in_limit ?? key.includeByokInLimit,
    updatedAt: now,
  };
}
