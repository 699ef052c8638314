import type { Context } from "hono";
import { Hono } from "hono/tiny";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import * as z from "zod/mini";

import type { TokenAnswer } from "../contract/account.ts";
import type { EntraAnswer } from "../contract/entra.ts";
import { problemStatuses } from "../contract/problem.ts";
import { EntraTokenRequest, TokenRequest } from "../contract/requests.ts";
import type { Deps } from "../services/deps.ts";
import { limitRate } from "../services/rate-store.ts";
import type { ServiceError } from "../services/errors.ts";
import { isAdmin } from "../services/read-account.ts";
import type { OpenedSession } from "../services/sessions.ts";
import { freshSeconds, openSession } from "../services/sessions.ts";
import type { HttpEnv } from "./env.ts";
import type { Page } from "./pages.ts";
import { parseBody, parseWith } from "./parse.ts";
import { problemAnswer } from "./problems.ts";

/** `prompt` and `max_age` (seconds) as in OpenID Connect: whether the person has to prove again who they are. */
const StartQuery = z.strictObject({
  code_challenge: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
  code_challenge_method: z.literal("S256"),
  redirect_uri: z.string().check(z.minLength(1), z.maxLength(2_000)),
  state: z.string().check(z.regex(/^[\x21-\x7e]{1,500}$/)),
  prompt: z.optional(z.literal("login")),
  max_age: z.optional(z.string().check(z.regex(/^\d{1,5}$/))),
});

/** Ten minutes, as long as a sign-in may take. */
const cookieSeconds = 600;

interface AuthOptions {
  /** Whether browsers reach the function over https. On plain http, a loopback host, the cookie's prefix is refused. */
  readonly isSecure: boolean;
  readonly asServiceError: (error: unknown) => ServiceError;
}

export function authRoutes(deps: Deps, { isSecure, asServiceError }: AuthOptions) {
  const cookie = isSecure ? "__Host-ork-sign-in" : "ork-sign-in";
  const cookieOptions = { path: "/", httpOnly: true, secure: isSecure, sameSite: "Lax" } as const;

  return new Hono<HttpEnv>()
    .use(async (context, next) => {
      await limitRate(deps, [{ kind: "signInsOfAddress", id: context.get("address") }]);
      await next();
    })
    .get("/start", async (context) => {
      const query = parseWith(StartQuery, onlyOnce(context));
      const { startSignIn } = await loadSignIn();
      const begin = await startSignIn(deps, {
        codeChallenge: query.code_challenge,
        redirectUri: query.redirect_uri,
        clientState: query.state,
        maxAgeSeconds: maxAge(query),
      });
      if (begin.kind === "refused") return refuse(context, begin.refusal, begin.location);
      setCookie(context, cookie, begin.browserToken, { ...cookieOptions, maxAge: cookieSeconds });
      return context.redirect(begin.authorizationUrl, 302);
    })
    .get("/callback", async (context) => {
      const browserToken = getCookie(context, cookie);
      deleteCookie(context, cookie, cookieOptions);
      const { finishSignIn } = await loadSignIn();
      const end = await finishSignIn(deps, new URL(context.req.url).searchParams, browserToken);
      switch (end.kind) {
        case "go":
          return context.redirect(end.location, 302);
        case "ask": {
          const secondsAgo = Math.max(0, Math.round((deps.clock() - end.startedAt) / 1000));
          return show(context, (await loadPages()).askPage({ ...end, secondsAgo }), 200);
        }
        case "show":
          return show(context, (await loadPages()).codePage(end), 200);
        case "refused":
          return refuse(context, end.refusal, end.location);
      }
    })
    .post("/token", async (context) => {
      const request = await parseBody(context, TokenRequest);
      return sessionAnswer(context, deps, await openSession(deps, { ...request, client: clientOf(context) }));
    })
    .get("/entra", (context) => {
      if (deps.accessTokens === undefined) return context.notFound();
      return context.json(deps.accessTokens.api satisfies EntraAnswer);
    })
    .post("/entra", async (context) => {
      // Before the body: where this is not set up, there is nothing at this address.
      if (deps.accessTokens === undefined) return context.notFound();
      const request = await parseBody(context, EntraTokenRequest);
      const { signInWithEntra } = await import("../services/entra-sign-in.ts");
      return sessionAnswer(context, deps, await signInWithEntra(deps, { ...request, client: clientOf(context) }));
    })
    .onError((error, context) => refuse(context, asServiceError(error), undefined));
}

/** A parameter that is given twice would be read one way here and another way elsewhere. */
function onlyOnce(context: Context): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

function maxAge(query: z.infer<typeof StartQuery>): number | undefined {
  if (query.prompt === "login") return 0;
  return query.max_age === undefined ? undefined : Math.min(Number(query.max_age), freshSeconds);
}

/** What the editor says of itself, for the list of sessions. */
function clientOf(context: Context): string {
  return (context.req.header("X-Client") ?? "").replaceAll(/[^\x20-\x7e]/g, "").slice(0, 100);
}

function sessionAnswer(context: Context<HttpEnv>, deps: Deps, { token, expiresAt, owner }: OpenedSession): Response {
  return context.json({
    sessionToken: token,
    expiresAt: new Date(expiresAt).toISOString(),
    account: { id: owner.id, label: owner.email },
    isAdmin: isAdmin(deps.rules, owner),
  } satisfies TokenAnswer);
}

/** To a person in a browser, a page; to a program, which asks for none, a problem. */
async function refuse(
  context: Context<HttpEnv>,
  refusal: ServiceError,
  location: string | undefined,
): Promise<Response> {
  context.set("refusal", refusal);
  if (context.req.header("Accept")?.includes("text/html") !== true) return problemAnswer(context, refusal);
  context.set("code", refusal.code);
  if (refusal.retryAfter !== undefined) context.header("Retry-After", String(refusal.retryAfter));
  const { refusalPage } = await loadPages();
  const page = refusalPage({ sentence: refusal.message, location, requestId: context.get("requestId") });
  return show(context, page, problemStatuses[refusal.code]);
}

/** Both loaded with the first sign-in: a start does not need them. */
function loadSignIn() {
  return import("../services/sign-in.ts");
}

function loadPages() {
  return import("./pages.ts");
}

async function show(
  context: Context<HttpEnv>,
  { body, policy }: Page,
  status: 200 | (typeof problemStatuses)[keyof typeof problemStatuses],
): Promise<Response> {
  context.header("Content-Security-Policy", policy);
  return context.html(await body, status);
}
