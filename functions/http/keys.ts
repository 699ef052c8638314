import { Hono } from "hono/tiny";

import { idempotencyHeader } from "../contract/keys.ts";
import type { CreateKeyAnswer, Key, KeysAnswer, RotateKeyAnswer } from "../contract/keys.ts";
import { CreateKeyRequest, IdempotencyKey, PatchKeyRequest, RotateKeyRequest } from "../contract/requests.ts";
import { asOwner } from "../services/audit.ts";
import { changeKey, deleteKey, findOwnKey, markReceived } from "../services/change-key.ts";
import { createKey } from "../services/create-key.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import { listKeys } from "../services/list-keys.ts";
import { rotateKey } from "../services/rotate-key.ts";
import { requireFresh } from "../services/sessions.ts";
import { actingIn, requireFreshSignIn, requireSession } from "./authenticate.ts";
import type { HttpEnv } from "./env.ts";
import { isoTime, toKey, toNewKey } from "./key-answer.ts";
import { parseBody, parseId } from "./parse.ts";

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
      const idempotencyKey = readIdempotencyKey(context.req.header(idempotencyHeader));
      const request = await parseBody(context, CreateKeyRequest);
      const { key, sealedSecret } = await createKey(deps, actingIn(context), request, idempotencyKey);
      return context.json(
        {
          key: toNewKey(key, deps.clock()),
          ...(sealedSecret === null ? {} : { sealedSecret }),
        } satisfies CreateKeyAnswer,
        201,
      );
    })
    .post("/:id/rotate", requireFreshSignIn(deps), async (context) => {
      const idempotencyKey = readIdempotencyKey(context.req.header(idempotencyHeader));
      const id = keyId(context.req.param("id"));
      const request = await parseBody(context, RotateKeyRequest);
      const rotated = await rotateKey(deps, actingIn(context), id, request, idempotencyKey);
      return context.json(
        {
          key: toNewKey(rotated.key, deps.clock()),
          ...(rotated.sealedSecret === null ? {} : { sealedSecret: rotated.sealedSecret }),
          retiring: { id: rotated.retiring.id, at: isoTime(rotated.retiring.at) },
        } satisfies RotateKeyAnswer,
        201,
      );
    })
    .post("/:id/received", async (context) => {
      await markReceived(deps, context.get("owner"), keyId(context.req.param("id")));
      return context.body(null, 204);
    })
    .patch("/:id", async (context) => {
      const patch = readPatch(await parseBody(context, PatchKeyRequest));
      if (patch.disabled === false) requireFresh(deps, context.get("session").authTime);
      const found = await findOwnKey(deps, context.get("owner"), keyId(context.req.param("id")));
      const changed = await changeKey(deps, found, asOwner(actingIn(context)), patch);
      return context.json(toKey(changed, deps.clock()) satisfies Key);
    })
    .delete("/:id", async (context) => {
      const found = await findOwnKey(deps, context.get("owner"), keyId(context.req.param("id")));
      await deleteKey(deps, found, asOwner(actingIn(context)));
      return context.body(null, 204);
    });
}

export function readPatch({ name, disabled }: PatchKeyRequest): { name?: string; disabled?: boolean } {
  return { ...(name === undefined ? {} : { name }), ...(disabled === undefined ? {} : { disabled }) };
}

function readIdempotencyKey(header: string | undefined): string {
  const parsed = IdempotencyKey.safeParse(header);
  if (!parsed.success) {
    throw new ServiceError(
      "invalid_request",
      `Send an ${idempotencyHeader} header with a UUID, the same one when you ask again.`,
    );
  }
  return parsed.data.toLowerCase();
}

function keyId(text: string): string {
  return parseId(text, "You have no such key.");
}
