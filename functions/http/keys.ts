import { Hono } from "hono";

import { idempotencyHeader } from "../contract/keys.ts";
import type { CreateKeyAnswer, Key, KeysAnswer } from "../contract/keys.ts";
import { CreateKeyRequest, IdempotencyKey, PatchKeyRequest } from "../contract/requests.ts";
import { keyState } from "../policy/key-state.ts";
import { nextReset } from "../policy/next-reset.ts";
import { changeKey, deleteKey, markReceived } from "../services/change-key.ts";
import { createKey } from "../services/create-key.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import type { OwnedKey } from "../services/list-keys.ts";
import { listKeys } from "../services/list-keys.ts";
import { requireFresh } from "../services/sessions.ts";
import { requireFreshSignIn, requireSession } from "./authenticate.ts";
import type { HttpEnv } from "./env.ts";
import { parseBody } from "./parse.ts";

export function keyRoutes(deps: Deps) {
  return new Hono<HttpEnv>()
    .use(requireSession(deps))
    .get("/", async (context) => {
      const list = await listKeys(deps, context.get("owner"));
      return context.json({
        keys: list.keys.map((key) => toKey(key, deps.clock())),
        spendAsOf: isoTime(list.asOf),
        spendComplete: list.complete,
      } satisfies KeysAnswer);
    })
    .post("/", requireFreshSignIn(deps), async (context) => {
      const header = IdempotencyKey.safeParse(context.req.header(idempotencyHeader));
      if (!header.success) {
        throw new ServiceError(
          "invalid_request",
          `Send an ${idempotencyHeader} header with a UUID, the same one when you ask again.`,
        );
      }
      const request = await parseBody(context, CreateKeyRequest);
      const { key, sealedSecret } = await createKey(deps, context.get("owner"), request, header.data.toLowerCase());
      const now = deps.clock();
      const owned = { row: key, state: keyState(key, now) ?? "gone", upstream: undefined } as const;
      return context.json(
        { key: toKey(owned, now), ...(sealedSecret === null ? {} : { sealedSecret }) } satisfies CreateKeyAnswer,
        201,
      );
    })
    .post("/:id/received", async (context) => {
      await markReceived(deps, context.get("owner"), keyId(context.req.param("id")));
      return context.body(null, 204);
    })
    .patch("/:id", async (context) => {
      const { name, disabled } = await parseBody(context, PatchKeyRequest);
      if (disabled === false) requireFresh(deps, context.get("session").authTime);
      const changed = await changeKey(deps, context.get("owner"), keyId(context.req.param("id")), {
        ...(name === undefined ? {} : { name }),
        ...(disabled === undefined ? {} : { disabled }),
      });
      return context.json(toKey(changed, deps.clock()) satisfies Key);
    })
    .delete("/:id", async (context) => {
      await deleteKey(deps, context.get("owner"), keyId(context.req.param("id")));
      return context.body(null, 204);
    });
}

/** Ids are UUIDs; anything else is nobody's key and must not reach the database. */
function keyId(text: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) {
    throw new ServiceError("not_found", "You have no such key.");
  }
  return text.toLowerCase();
}

function toKey({ row, state, upstream }: OwnedKey, now: number): Key {
  const limitUsd = row.limitCents / 100;
  return {
    id: row.id,
    name: row.name,
    label: row.label,
    state,
    limitUsd,
    reset: row.reset,
    createdAt: isoTime(row.createdAt),
    expiresAt: isoTime(row.expiresAt),
    spend:
      upstream === undefined
        ? null
        : {
            // OpenRouter's `usage` is for the key's whole life; the window's spend is what is missing from the limit.
            windowUsd:
              upstream.remainingUsd === null ? 0 : money((upstream.limitUsd ?? limitUsd) - upstream.remainingUsd),
            remainingUsd: upstream.remainingUsd,
            resetsAt: isoTime(nextReset(row.reset, now)),
            dayUsd: upstream.dayUsd,
            weekUsd: upstream.weekUsd,
            monthUsd: upstream.monthUsd,
          },
  };
}

/** Differences of floats are cut to a millionth of a dollar, OpenRouter's own grain. */
function money(usd: number): number {
  return Math.round(usd * 1e6) / 1e6;
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
