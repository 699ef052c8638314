import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { matchedRoutes } from "hono/route";
import type { Context } from "hono";

import { checkHealth } from "../services/check-health.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import type { Figures, Meter } from "../services/meter.ts";
import { limitRate } from "../services/rate-store.ts";
import { accountRoutes, sessionRoutes } from "./account.ts";
import { adminRoutes } from "./admin.ts";
import { authRoutes } from "./auth.ts";
import type { HttpEnv, RequestRecord } from "./env.ts";
import { keyRoutes } from "./keys.ts";
import { asServiceError, problemAnswer } from "./problems.ts";
import { raiseRoutes } from "./raises.ts";

const largestBody = 16 * 1024;

export interface AppOptions {
  /** Whether browsers reach the function over https. */
  readonly isSecure: boolean;
  readonly isDatabaseAway: (error: unknown) => boolean;
  readonly record: (request: RequestRecord) => void;
  readonly meter: Meter;
  /** Who is asking, as the host sees it. */
  readonly addressOf: (context: Context<HttpEnv>) => string;
}

/** The whole HTTP contract. Hosts differ only in how they call it. */
export function createApp(deps: Deps, options: AppOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();

  app.use(async (context, next) => {
    const started = performance.now();
    const requestId = crypto.randomUUID();
    context.set("requestId", requestId);
    context.set("address", options.addressOf(context));
    await options.meter.inRequest(context.req.method, async (figures) => {
      await next();
      conclude(context, requestId, performance.now() - started, figures);
      return { route: routeOf(context), status: context.res.status };
    });
  });

  function conclude(context: Context<HttpEnv>, requestId: string, milliseconds: number, figures: Figures): void {
    context.res.headers.set("X-Request-Id", requestId);
    context.res.headers.set("Cache-Control", "no-store");
    context.res.headers.set("Referrer-Policy", "no-referrer");
    context.res.headers.set("X-Content-Type-Options", "nosniff");
    const code = context.get("code");
    options.record({
      requestId,
      method: context.req.method,
      route: routeOf(context),
      status: context.res.status,
      milliseconds: tenths(milliseconds),
      databaseMs: tenths(figures.databaseMs),
      upstreamMs: tenths(figures.upstreamMs),
      upstreamCalls: figures.upstreamCalls,
      ...(code === undefined ? {} : { code }),
      ...(context.res.status >= 500 && context.error !== undefined ? { cause: causes(context.error) } : {}),
    });
  }

  app.use(
    bodyLimit({
      maxSize: largestBody,
      onError: () => {
        throw new ServiceError("too_large", "The body is larger than 16 KiB.");
      },
    }),
  );
  app.onError((error, context) => problemAnswer(context, asServiceError(error, options.isDatabaseAway)));
  app.notFound((context) => problemAnswer(context, new ServiceError("not_found", "There is nothing at this address.")));

  app.get("/v1/health", async (context) => {
    const reasons = await checkHealth(deps);
    return reasons.length === 0 ? context.json({ status: "ok" }) : context.json({ status: "degraded", reasons }, 503);
  });
  app.use("/v1/auth/*", async (context, next) => {
    await limitRate(deps, [{ kind: "signInsOfAddress", id: context.get("address") }]);
    await next();
  });
  app.route("/v1/auth", authRoutes(deps, options.isSecure));
  app.route("/v1/session", sessionRoutes(deps));
  app.route("/v1/me", accountRoutes(deps));
  app.route("/v1/keys", keyRoutes(deps));
  app.route("/v1/raises", raiseRoutes(deps));
  app.route("/v1/admin", adminRoutes(deps));
  return app;
}

/** The pattern, not the path: ids stay out of the log and of what a collector is told. */
function routeOf(context: Context): string {
  return matchedRoutes(context).at(-1)?.path ?? "";
}

function tenths(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}

/** The chain of causes by name and message. Our own errors carry no secret; a driver's may quote a value, so only its code. */
function causes(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === "string" ? error : "unknown";
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  const isOurs = error.name === "ServiceError" || error.name === "UpstreamError" || error.name === "IssuerError";
  const own = isOurs ? `${error.name}${code}: ${error.message}` : `${error.name}${code}`;
  return error.cause === undefined ? own : `${own} < ${causes(error.cause)}`;
}
