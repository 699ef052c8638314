import { Hono } from "hono/tiny";
import { bodyLimit } from "hono/body-limit";
import { matchedRoutes } from "hono/route";
import type { Context } from "hono";

import { paths } from "../contract/paths.ts";
import { checkHealth } from "../services/check-health.ts";
import type { Deps } from "../services/deps.ts";
import { ServiceError } from "../services/errors.ts";
import type { Figures, Meter } from "../services/meter.ts";
import type { HttpEnv, RequestRecord } from "./env.ts";
import { asServiceError, problemAnswer } from "./problems.ts";

const largestBody = 16 * 1024;

export interface AppOptions {
  /** Whether browsers reach the function over https. */
  readonly isSecure: boolean;
  readonly isDatabaseAway: (error: unknown) => boolean;
  readonly record: (request: RequestRecord) => void;
  readonly meter: Meter;
  /** Who is asking, as the host sees it. */
  readonly addressOf: (context: Context<HttpEnv>) => string;
  /** Of the scheduled trigger; empty: it refuses everybody. */
  readonly cronSecrets: readonly string[];
  /** Undefined: there are no SCIM routes. Without a token they refuse everybody. */
  readonly scim: { readonly token: string | undefined; readonly base: string } | undefined;
}

/** What answers requests; a host calls nothing else. */
export interface App {
  readonly fetch: (request: Request, environment?: object) => Promise<Response>;
}

/** Routes below one path. Their code, and what only they use, is loaded when one of them is first called. */
interface RouteGroup {
  readonly path: string;
  readonly load: () => Promise<Hono<HttpEnv>>;
}

/** The whole HTTP contract. Hosts differ only in how they call it. */
export function createApp(deps: Deps, options: AppOptions): App {
  const authOptions = {
    isSecure: options.isSecure,
    asServiceError: (error: unknown) => asServiceError(error, options.isDatabaseAway),
  };
  const groups: readonly RouteGroup[] = [
    { path: "/v1/auth", load: async () => (await import("./auth.ts")).authRoutes(deps, authOptions) },
    { path: "/v1/session", load: async () => (await import("./sessions.ts")).sessionRoutes(deps) },
    { path: "/v1/sessions", load: async () => (await import("./sessions.ts")).ownSessionRoutes(deps) },
    { path: "/v1/me", load: async () => (await import("./account.ts")).accountRoutes(deps) },
    { path: "/v1/keys", load: async () => (await import("./keys.ts")).keyRoutes(deps) },
    { path: "/v1/raises", load: async () => (await import("./raises.ts")).raiseRoutes(deps) },
    { path: "/v1/admin/runs", load: async () => (await import("./runs.ts")).runRoutes(deps) },
    { path: "/v1/cron", load: async () => (await import("./cron.ts")).cronRoutes(deps, options.cronSecrets) },
    { path: "/v1/admin/identities", load: async () => (await import("./identities.ts")).identityRoutes(deps) },
    { path: "/v1/admin", load: async () => (await import("./admin.ts")).adminRoutes(deps) },
    ...scimGroups(deps, options),
  ];
  const rest = createFrame(options).get("/v1/health", async (context) => {
    const reasons = await checkHealth(deps);
    return reasons.length === 0 ? context.json({ status: "ok" }) : context.json({ status: "degraded", reasons }, 503);
  });
  const loaded = new Map<RouteGroup, Promise<Hono<HttpEnv>>>();

  async function appOf(group: RouteGroup): Promise<Hono<HttpEnv>> {
    return createFrame(options).route(group.path, await group.load());
  }

  return {
    async fetch(request, environment) {
      const { pathname } = new URL(request.url);
      const group = groups.find(({ path }) => pathname === path || pathname.startsWith(`${path}/`));
      if (group === undefined) return rest.fetch(request, environment);
      const app = loaded.get(group) ?? appOf(group);
      loaded.set(group, app);
      return (await app).fetch(request, environment);
    },
  };
}

function scimGroups(deps: Deps, { scim, isDatabaseAway }: AppOptions): readonly RouteGroup[] {
  if (scim === undefined) return [];
  return [
    {
      path: paths.scim,
      load: async () => {
        const [{ scimRoutes }, { endDeactivated }] = await Promise.all([
          import("./scim.ts"),
          import("../services/end-deactivated.ts"),
        ]);
        return scimRoutes(
          { store: deps.scim, clock: deps.clock, deactivated: (record) => endDeactivated(deps, record) },
          { ...scim, asServiceError: (error) => asServiceError(error, isDatabaseAway) },
        );
      },
    },
  ];
}

/** What holds for every request: its id, its record, the size of its body, and how errors are told. */
function createFrame(options: AppOptions): Hono<HttpEnv> {
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
    const fault = context.error ?? context.get("refusal");
    // Who runs the function has to see which check an issuer's answer failed; the person is told a sentence only.
    const isOfIssuer = fault?.cause instanceof Error && fault.cause.name === "IssuerError";
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
      ...(fault !== undefined && (context.res.status >= 500 || isOfIssuer) ? { cause: causes(fault) } : {}),
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
