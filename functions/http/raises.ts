import { Hono } from "hono/tiny";

import type { Raise as RaiseAnswer, RaisesAnswer } from "../contract/raises.ts";
import { RaiseRequest } from "../contract/requests.ts";
import type { Deps } from "../services/deps.ts";
import type { Raise } from "../services/raise-store.ts";
import { askForRaise } from "../services/raises.ts";
import { actingIn, requireSession } from "./authenticate.ts";
import type { HttpEnv } from "./env.ts";
import { isoTime } from "./key-answer.ts";
import { parseBody } from "./parse.ts";

export function raiseRoutes(deps: Deps) {
  return new Hono<HttpEnv>()
    .use(requireSession(deps))
    .get("/", async (context) => {
      const raises = await deps.raises.ofOwner(context.get("owner").id);
      return context.json({ raises: raises.map(toRaise) } satisfies RaisesAnswer);
    })
    .post("/", async (context) => {
      const request = await parseBody(context, RaiseRequest);
      const raise = await askForRaise(deps, actingIn(context), { ...request, keyId: request.keyId.toLowerCase() });
      return context.json(toRaise(raise) satisfies RaiseAnswer, 201);
    });
}

export function toRaise(raise: Raise): RaiseAnswer {
  return {
    id: raise.id,
    keyId: raise.keyId,
    keyName: raise.keyName,
    limitUsd: raise.limitCents / 100,
    until: isoTime(raise.until),
    reason: raise.reason,
    state: raise.state,
    createdAt: isoTime(raise.createdAt),
    ...(raise.decidedAt === undefined ? {} : { decidedAt: isoTime(raise.decidedAt) }),
    ...(raise.note === undefined ? {} : { note: raise.note }),
  };
}
