import { Hono } from "hono/tiny";

import type { SessionsAnswer } from "../contract/sessions.ts";
import type { Deps } from "../services/deps.ts";
import { endOwnSession, ownSessions } from "../services/sessions.ts";
import { requireSession } from "./authenticate.ts";
import type { HttpEnv } from "./env.ts";
import { parseId } from "./parse.ts";

/** The session that asks. */
export function sessionRoutes(deps: Deps) {
  return new Hono<HttpEnv>().delete("/", requireSession(deps), async (context) => {
    await deps.accounts.endSession(context.get("session").tokenHash);
    return context.body(null, 204);
  });
}

/** All sessions of whoever asks. */
export function ownSessionRoutes(deps: Deps) {
  return new Hono<HttpEnv>()
    .use(requireSession(deps))
    .get("/", async (context) => {
      const sessions = await ownSessions(deps, context.get("session"));
      return context.json({
        sessions: sessions.map((session) => ({
          id: session.id,
          client: session.client,
          createdAt: isoTime(session.createdAt),
          lastUsedAt: isoTime(session.lastUsedAt),
          expiresAt: isoTime(session.expiresAt),
          current: session.isCurrent,
        })),
      } satisfies SessionsAnswer);
    })
    .delete("/:id", async (context) => {
      await endOwnSession(deps, context.get("owner"), parseId(context.req.param("id"), "You have no such session."));
      return context.body(null, 204);
    });
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
