import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { matchedRoutes } from "hono/route";

import { checkHealth } from "../services/check-health.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import { accountRoutes } from "./account.ts";
import { authRoutes } from "./auth.ts";
import { identityRoutes } from "./identities.ts";
import type { HttpEnv, RequestRecord } from "./env.ts";
import { keyRoutes } from "./keys.ts";
import { asServiceError, problemAnswer } from "./problems.ts";
import { ownSessionRoutes, sessionRoutes } from "./sessions.ts";

const largestBody = 16 * 1024;

export interface AppOptions {
  /** Whether browsers reach the function over https. */
  readonly isSecure: boolean;
  readonly isDatabaseAway: (error: unknown) => boolean;
  readonly record: (request: RequestRecord) => void;
}

/** The whole HTTP contract. Hosts differ only in how they call it. */
export function createApp(deps: Deps, options: AppOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();

  app.use(async (context, next) => {
    const started = performance.now();
    const requestId = crypto.randomUUID();
    context.set("requestId", requestId);
    await next();
    context.res.headers.set("X-Request-Id", requestId);
    context.res.headers.set("Cache-Control", "no-store");
    context.res.headers.set("Referrer-Policy", "no-referrer");
    context.res.headers.set("X-Content-Type-Options", "nosniff");
    const code = context.get("code");
    const fault = context.error ?? context.get("refusal");
    // Who runs the function has to see which check an issuer's answer failed; the person is told a sentence only.
    const isOfIssuer = fault?.cause instanceof Error && fault.cause.name === "IssuerError";
    options.record({
      requestId,
      method: context.req.method,
      route: matchedRoutes(context).at(-1)?.path ?? "",
      status: context.res.status,
      milliseconds: Math.round((performance.now() - started) * 10) / 10,
      ...(code === undefined ? {} : { code }),
      ...(fault !== undefined && (context.res.status >= 500 || isOfIssuer) ? { cause: causes(fault) } : {}),
    });
  });
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
  app.route("/v1/auth", authRoutes(deps, options.isSecure));
  app.route("/v1/session", sessionRoutes(deps));
  app.route("/v1/sessions", ownSessionRoutes(deps));
  app.route("/v1/admin/identities", identityRoutes(deps));
  app.route("/v1/me", accountRoutes(deps));
  app.route("/v1/keys", keyRoutes(deps));
  return app;
}

/** The chain of causes by name and message. Our own errors carry no secret; a driver's may quote a value, so only its code. */
function causes(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === "string" ? error : "unknown";
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  const isOurs = error.name === "ServiceError" || error.name === "UpstreamError" || error.name === "IssuerError";
  const own = isOurs ? `${error.name}${code}: ${error.message}` : `${error.name}${code}`;
  return error.cause === undefined ? own : `${own} < ${causes(error.cause)}`;
}
