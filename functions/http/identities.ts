import { Hono } from "hono/tiny";
import * as z from "zod/mini";

import type { IdentitiesAnswer } from "../contract/identities.ts";
import { IdentityDecision } from "../contract/requests.ts";
import type { Deps } from "../services/deps.ts";
import { actingIn, requireAdmin, requireFreshSignIn, requireSession } from "./authenticate.ts";
import type { HttpEnv } from "./env.ts";
import { parseBody, parseId, parseWith } from "./parse.ts";

const ListQuery = z.strictObject({ state: z._default(z.enum(["waiting", "refused"]), "waiting") });

/** For administrators: two accounts that came with one e-mail. */
export function identityRoutes(deps: Deps) {
  return new Hono<HttpEnv>()
    .use(requireSession(deps), requireAdmin(deps), requireFreshSignIn(deps))
    .get("/", async (context) => {
      const { state } = parseWith(ListQuery, context.req.query());
      const conflicts = await deps.identities.list(state);
      return context.json({
        identities: conflicts.map(({ id, state, owner, email, issuer, subject, askedAt }) => ({
          id,
          state,
          owner: { id: owner.id, label: email },
          known: { issuer: owner.issuer, subject: owner.subject },
          came: { issuer, subject },
          askedAt: new Date(askedAt).toISOString(),
        })),
      } satisfies IdentitiesAnswer);
    })
    .post("/:id", async (context) => {
      const { decision } = await parseBody(context, IdentityDecision);
      const id = parseId(context.req.param("id"), "There is no such conflict of identities.");
      // Loaded when first needed, as little is decided.
      const { decideIdentity } = await import("../services/decide-identity.ts");
      await decideIdentity(deps, actingIn(context), { id, decision });
      return context.body(null, 204);
    });
}
