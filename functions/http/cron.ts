import { Hono } from "hono/tiny";

import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import { runNightly } from "../services/run-nightly.ts";
import { carriesToken } from "./bearer.ts";
import type { HttpEnv } from "./env.ts";

/** Whoever calls waits for the answer; what is not done by then is the next run's. */
const runMs = 240_000;

/**
 * The scheduled trigger for outside schedulers, some of which call with GET. Promises: nothing is done before the secret
 * is compared, in a time that does not depend on it; without a secret everybody is refused; no parameter widens what it
 * does; repeating it is harmless.
 */
export function cronRoutes(deps: Deps, secrets: readonly string[]) {
  return new Hono<HttpEnv>()
    .use(async (context, next) => {
      if (!(await carriesToken(context, secrets))) {
        throw new ServiceError("unauthorized", "The bearer token is missing or not the one in CRON_SECRET.");
      }
      await next();
    })
    .on(["GET", "POST"], "/nightly", async (context) =>
      context.json(await runNightly(deps, AbortSignal.timeout(runMs))),
    );
}
