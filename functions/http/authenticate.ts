import type { Context } from "hono";
import { createMiddleware } from "hono/factory";

import type { Acting } from "../services/audit.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import type { RateSubject } from "../services/rate-store.ts";
import { limitRate } from "../services/rate-store.ts";
import { isAdmin } from "../services/read-account.ts";
import { sha256 } from "../services/secrets.ts";
import { authenticate, requireFresh, requireStillSignedIn } from "../services/sessions.ts";
import type { HttpEnv } from "./env.ts";

/**
 * The session's owner, or 401. Who is acting comes from here and never from a body. What a request made or changed is
 * answered only if the session lived to see it: who was cut meanwhile gets no secret.
 */
export function requireSession(deps: Deps) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    const bearer = /^Bearer ([\x21-\x7e]+)$/i.exec(context.req.header("Authorization") ?? "")?.[1];
    const tokenHash = bearer === undefined ? undefined : await sha256(bearer);
    const [session] = await Promise.all([
      authenticate(deps, tokenHash),
      limitRate(deps, countedSubjects(context.get("address"), tokenHash)),
    ]);
    context.set("session", session);
    context.set("owner", session.owner);
    await next();
    const { method } = context.req;
    if ((method === "POST" || method === "PATCH") && context.res.status < 400) {
      await requireStillSignedIn(deps, session);
    }
  });
}

/** For what makes, revives or hands over keys, and for administration. Behind `requireSession`. */
export function requireFreshSignIn(deps: Deps) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    requireFresh(deps, context.get("session").authTime);
    await next();
  });
}

/**
 * Decided anew at each request. Everybody else is told that they may not, whatever is there. Behind `requireSession`.
 */
export function requireAdmin(deps: Deps) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    if (!isAdmin(deps.rules, context.get("owner"))) {
      throw new ServiceError("forbidden", "Only administrators may do this.");
    }
    await next();
  });
}

/** A session is counted by its hash, before it is known whether it exists: guessing is limited like asking. */
function countedSubjects(address: string, tokenHash: string | undefined): readonly RateSubject[] {
  const counted = { kind: "address", id: address } as const;
  return tokenHash === undefined ? [counted] : [counted, { kind: "session", id: tokenHash }];
}

/** Behind `requireSession`: who acts, and in which request. */
export function actingIn(context: Context<HttpEnv>): Acting {
  return { owner: context.get("owner"), requestId: context.get("requestId") };
}
