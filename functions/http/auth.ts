import { Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import * as z from "zod/mini";

import type { TokenAnswer } from "../contract/account.ts";
import { problemStatuses } from "../contract/problem.ts";
import { TokenRequest } from "../contract/requests.ts";
import type { Deps } from "../services/deps.ts";
import { limitRate } from "../services/rate-store.ts";
import { isAdmin } from "../services/read-account.ts";
import { finishSignIn, openSession, startSignIn } from "../services/sign-in.ts";
import type { HttpEnv } from "./env.ts";
import { parseBody, parseWith } from "./parse.ts";
import { problemAnswer } from "./problems.ts";
import { refusalPage } from "./refusal-page.ts";

const StartQuery = z.strictObject({
  code_challenge: z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/)),
  code_challenge_method: z.literal("S256"),
  redirect_uri: z.string().check(z.minLength(1), z.maxLength(2_000)),
  state: z.string().check(z.regex(/^[\x21-\x7e]{1,500}$/)),
});

/** For the page that a person sees whose sign-in was refused. */
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** Ten minutes, as long as a sign-in may take. */
const cookieSeconds = 600;

/** `isSecure`: whether browsers reach the function over https. On plain http, a loopback host, the prefix is refused. */
export function authRoutes(deps: Deps, isSecure: boolean) {
  const cookie = isSecure ? "__Host-ork-sign-in" : "ork-sign-in";
  const cookieOptions = { path: "/", httpOnly: true, secure: isSecure, sameSite: "Lax" } as const;

  return new Hono<HttpEnv>()
    .use(async (context, next) => {
      await limitRate(deps, [{ kind: "signInsOfAddress", id: context.get("address") }]);
      await next();
    })
    .get("/start", async (context) => {
      const query = parseWith(StartQuery, context.req.query());
      const { authorizationUrl, browserToken } = await startSignIn(deps, {
        codeChallenge: query.code_challenge,
        redirectUri: query.redirect_uri,
        clientState: query.state,
      });
      setCookie(context, cookie, browserToken, { ...cookieOptions, maxAge: cookieSeconds });
      return context.redirect(authorizationUrl, 302);
    })
    .get("/callback", async (context) => {
      const browserToken = getCookie(context, cookie);
      deleteCookie(context, cookie, cookieOptions);
      const { location, refusal } = await finishSignIn(deps, new URL(context.req.url).searchParams, browserToken);
      if (refusal === undefined) return context.redirect(location, 302);
      if (context.req.header("Accept")?.includes("text/html") !== true) return problemAnswer(context, refusal);
      context.set("code", refusal.code);
      const page = await refusalPage({ sentence: refusal.message, location, requestId: context.get("requestId") });
      context.header("Content-Security-Policy", pagePolicy);
      return context.html(page, problemStatuses[refusal.code]);
    })
    .post("/token", async (context) => {
      const request = await parseBody(context, TokenRequest);
      const client = (context.req.header("X-Client") ?? "").replaceAll(/[^\x20-\x7e]/g, "").slice(0, 100);
      const { token, expiresAt, owner } = await openSession(deps, { ...request, client });
      return context.json({
        sessionToken: token,
        expiresAt: new Date(expiresAt).toISOString(),
        account: { id: owner.id, label: owner.email },
        isAdmin: isAdmin(deps.rules, owner),
      } satisfies TokenAnswer);
    });
}
