import { Hono } from "hono/tiny";
import * as z from "zod/mini";

import type { AdminKeysAnswer, AdminRaise, AdminRaisesAnswer, AuditAnswer } from "../contract/admin.ts";
import type { Key } from "../contract/keys.ts";
import { keyStates } from "../contract/keys.ts";
import { raiseStates } from "../contract/raises.ts";
import { DecideRaiseRequest, PatchKeyRequest } from "../contract/requests.ts";
import { asAdmin } from "../services/audit.ts";
import { changeKey, deleteKey } from "../services/change-key.ts";
import { findCompanyKey, listCompanyKeys } from "../services/company-keys.ts";
import type { Deps } from "../services/deps.ts";
import type { Raise } from "../services/raise-store.ts";
import { decideRaise } from "../services/raises.ts";
import { ServiceError } from "../services/errors.ts";
import { actingIn, requireAdmin, requireFreshSignIn, requireSession } from "./authenticate.ts";
import { csvHeader, csvLine } from "./csv.ts";
import { readCursor, readNumberCursor, writeCursor } from "./cursor.ts";
import type { HttpEnv } from "./env.ts";
import { isoTime, toAdminKey, toKey } from "./key-answer.ts";
import { readPatch } from "./keys.ts";
import { Cursor, Limit, PageQuery, parseBody, parseId, parseWith } from "./parse.ts";
import { toRaise } from "./raises.ts";

const KeysFilter = {
  q: z.optional(z.string().check(z.maxLength(200))),
  state: z.optional(z.enum(keyStates)),
};
const KeysQuery = z.strictObject({ ...KeysFilter, cursor: Cursor, limit: z.optional(Limit) });
const RaisesQuery = z.strictObject({
  state: z.optional(z.enum(raiseStates)),
  cursor: Cursor,
  limit: z.optional(Limit),
});
const CsvQuery = z.strictObject(KeysFilter);

const usualLimit = 50;
const csvPage = 200;

/** Only for administrators; each thing done here is in the record under their name. */
export function adminRoutes(deps: Deps) {
  return new Hono<HttpEnv>()
    .use(requireSession(deps), requireAdmin(deps), requireFreshSignIn(deps))
    .get("/keys", async (context) => {
      const { q, state, cursor, limit } = parseWith(KeysQuery, context.req.query());
      const page = await listCompanyKeys(deps, {
        q: searchText(q),
        state,
        after: readCursor(cursor),
        limit: limit ?? usualLimit,
      });
      const now = deps.clock();
      return context.json({
        keys: page.keys.map((key) => toAdminKey(key, now)),
        nextCursor: page.next === undefined ? null : writeCursor(page.next),
        total: page.total,
        spendAsOf: page.spendAsOf === undefined ? null : isoTime(page.spendAsOf),
        spendComplete: page.spendComplete,
      } satisfies AdminKeysAnswer);
    })
    .get("/keys.csv", (context) => {
      const { q, state } = parseWith(CsvQuery, context.req.query());
      context.header("Content-Type", "text/csv; charset=utf-8");
      context.header("Content-Disposition", 'attachment; filename="openrouter-keys.csv"');
      let after: ReturnType<typeof readCursor>;
      let isFirst = true;
      const text = new ReadableStream<string>({
        // What goes wrong breaks the answer off, so that nobody takes the half of a file for the whole.
        async pull(out) {
          const listing = listCompanyKeys(deps, { q: searchText(q), state, after, limit: csvPage });
          const page = await listing.catch(() => {
            // Logged as such failures are, without what a driver may quote; the host prints what is thrown here.
            deps.afterAnswer(listing);
            throw new ServiceError("internal", "The list of keys was broken off.");
          });
          const now = deps.clock();
          out.enqueue((isFirst ? csvHeader : "") + page.keys.map((key) => csvLine(toAdminKey(key, now))).join(""));
          isFirst = false;
          after = page.next;
          if (after === undefined) out.close();
        },
      });
      return context.body(text.pipeThrough(new TextEncoderStream()));
    })
    .patch("/keys/:id", async (context) => {
      const patch = readPatch(await parseBody(context, PatchKeyRequest));
      const found = await findCompanyKey(deps, keyId(context.req.param("id")));
      const changed = await changeKey(deps, found, asAdmin(actingIn(context)), patch);
      return context.json(toKey(changed, deps.clock()) satisfies Key);
    })
    .delete("/keys/:id", async (context) => {
      const found = await findCompanyKey(deps, keyId(context.req.param("id")));
      await deleteKey(deps, found, asAdmin(actingIn(context)));
      return context.body(null, 204);
    })
    .get("/raises", async (context) => {
      const { state, cursor, limit = usualLimit } = parseWith(RaisesQuery, context.req.query());
      const found = await deps.raises.all({ state, after: readCursor(cursor), limit: limit + 1 });
      const raises = found.slice(0, limit);
      const last = raises.at(-1);
      return context.json({
        raises: raises.map(toAdminRaise),
        nextCursor: found.length > limit && last !== undefined ? writeCursor(last) : null,
      } satisfies AdminRaisesAnswer);
    })
    .post("/raises/:id", async (context) => {
      const request = await parseBody(context, DecideRaiseRequest);
      const id = parseId(context.req.param("id"), "There is no such raise.");
      return context.json(toAdminRaise(await decideRaise(deps, actingIn(context), id, request)) satisfies AdminRaise);
    })
    .get("/audit", async (context) => {
      const { cursor, limit = usualLimit } = parseWith(PageQuery, context.req.query());
      const found = await deps.audit.list(readNumberCursor(cursor), limit + 1);
      const entries = found.slice(0, limit);
      const last = entries.at(-1);
      return context.json({
        entries: entries.map((entry) => ({
          id: String(entry.id),
          at: isoTime(entry.at),
          actor: { kind: entry.actor.kind, id: entry.actor.id, label: entry.actor.label },
          verb: entry.verb,
          targetId: entry.targetId,
          owner: { id: entry.ownerId, label: entry.ownerLabel },
          before: entry.before,
          after: entry.after,
          requestId: entry.actor.requestId,
        })),
        nextCursor: found.length > limit && last !== undefined ? String(last.id) : null,
      } satisfies AuditAnswer);
    });
}

function searchText(q: string | undefined): string | undefined {
  const text = q?.trim();
  return text === "" ? undefined : text;
}

function keyId(text: string): string {
  return parseId(text, "There is no such key here.");
}

function toAdminRaise(raise: Raise): AdminRaise {
  return { ...toRaise(raise), owner: { id: raise.ownerId, label: raise.ownerEmail } };
}
