import { createMiddleware } from "hono/factory";

import type { Deps } from "../services/deps.ts";
import { authenticate } from "../services/sign-in.ts";
import type { HttpEnv } from "./env.ts";

/** The session's owner, or 401. Who is acting comes from here and never from a body. */
export function requireSession(deps: Deps) {
  return createMiddleware<HttpEnv>(async (context, next) => {
    const bearer = /^Bearer ([\x21-\x7e]+)$/i.exec(context.req.header("Authorization") ?? "")?.[1];
    const { owner, tokenHash } = await authenticate(deps, bearer);
    context.set("owner", owner);
    context.set("tokenHash", tokenHash);
    await next();
  });
}
