import type { Context } from "hono";
import { createMiddleware } from "hono/factory";

import type { Acting } from "../services/audit.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import type { RateSubject } from "../services/rate-store.ts";
import { limitRate } from "../services/rate-store.ts";
import { isAdmin } from "../services/read-account.ts";
import { sha256 } from "../services/secrets.ts";
import { authenticate } from "../services/sign-in.ts";
import type { HttpEnv } from "./env.ts";

/** The session's owner, or 401. Who is acting comes from here and never from a body. */
export function requireSession(deps: Deps) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    await enter(deps, context);
    await next();
  });
}

/** Decided anew at each request. Everybody else is told that they may not, whatever is there. */
export function requireAdmin(deps: Deps) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    await enter(deps, context);
    if (!isAdmin(deps.rules, context.get("owner"))) {
      throw new ServiceError("forbidden", "Only administrators may do this.");
    }
    await next();
  });
}

async function enter(deps: Deps, context: Context<HttpEnv>): Promise<void> {
  const bearer = /^Bearer ([\x21-\x7e]+)$/i.exec(context.req.header("Authorization") ?? "")?.[1];
  // A session is counted by its hash, before it is known whether it exists: guessing is limited like asking.
  const tokenHash = bearer === undefined ? "" : await sha256(bearer);
  const session: RateSubject[] = bearer === undefined ? [] : [{ kind: "session", id: tokenHash }];
  const [owner] = await Promise.all([
    authenticate(deps, bearer, tokenHash),
    limitRate(deps, [{ kind: "address", id: context.get("address") }, ...session]),
  ]);
  context.set("owner", owner);
  context.set("tokenHash", tokenHash);
}

/** Behind one of the above: who acts, and in which request. */
export function actingIn(context: Context<HttpEnv>): Acting {
  return { owner: context.get("owner"), requestId: context.get("requestId") };
}
