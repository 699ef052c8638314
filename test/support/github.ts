import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";

import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

/** What GitHub knows of the one person who signs in, and how it misbehaves. Read anew at every request. */
export interface GitHubState {
  userId: number;
  emails: readonly { readonly email: string; readonly verified: boolean; readonly primary: boolean }[];
  /** The answer about the membership: a state, or a status in its place. */
  membership: string | number;
  /** Whose membership it is; undefined: the person's own. */
  memberId: number | undefined;
  /** In place of every answer of the API. */
  fault: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined;
}

/** GitHub as far as a GitHub App's sign-in goes, on loopback. Its web and its API share an address. */
export interface GitHub {
  readonly url: string;
  readonly state: GitHubState;
  readonly clientSecret: string;
  /** Tokens handed out and not yet thrown away. */
  readonly liveTokens: ReadonlySet<string>;
  readonly tokens: readonly string[];
  readonly stop: () => Promise<void>;
}

export const gitHubClientId = "Iv23liExample";
export const gitHubOrganization = "example";

export async function startGitHub(): Promise<GitHub> {
  const state: GitHubState = {
    userId: 4_711,
    emails: [{ email: "ada@example.com", verified: true, primary: false }],
    membership: "active",
    memberId: undefined,
    fault: undefined,
  };
  const clientSecret = `planted-github-${randomUUID()}`;
  const codes = new Map<string, string>();
  const live = new Set<string>();
  const tokens: string[] = [];
  const app = new Hono();

  app.get("/login/oauth/authorize", (context) => {
    const { client_id, redirect_uri = "", state: clientState = "", code_challenge = "" } = context.req.query();
    if (client_id !== gitHubClientId) return context.text("unknown app", 404);
    const code = randomUUID();
    codes.set(code, code_challenge);
    const target = new URL(redirect_uri);
    target.search = new URLSearchParams({ code, state: clientState }).toString();
    return context.redirect(target.href, 302);
  });
  app.post("/login/oauth/access_token", async (context) => {
    const form = new URLSearchParams(await context.req.text());
    const challenge = codes.get(form.get("code") ?? "");
    codes.delete(form.get("code") ?? "");
    const proof = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    if (form.get("client_secret") !== clientSecret) return context.json({ error: "incorrect_client_credentials" });
    if (challenge === undefined || challenge !== proof) return context.json({ error: "bad_verification_code" });
    const token = `ghu_planted${randomUUID().replaceAll("-", "")}`;
    live.add(token);
    tokens.push(token);
    return context.json({ access_token: token, token_type: "bearer", scope: "" });
  });
  app.delete("/applications/:id/token", async (context) => {
    const basic = `Basic ${btoa(`${gitHubClientId}:${clientSecret}`)}`;
    if (context.req.header("Authorization") !== basic) return context.json({ message: "Bad credentials" }, 401);
    const body: unknown = await context.req.json();
    if (typeof body === "object" && body !== null && "access_token" in body) live.delete(String(body.access_token));
    return context.body(null, 204);
  });

  app.use(async (context, next) => {
    const token = context.req.header("Authorization")?.replace(/^Bearer /, "") ?? "";
    if (!live.has(token)) return context.json({ message: "Bad credentials" }, 401);
    const { fault } = state;
    if (fault === undefined) return next();
    return new Response('{"message":"planted-upstream-text"}', {
      status: fault.status,
      headers: { "content-type": "application/json", ...fault.headers },
    });
  });
  app.get("/user", (context) => context.json({ id: state.userId, login: "ada" }));
  app.get("/user/memberships/orgs/:organization", (context) => {
    const { membership } = state;
    if (typeof membership === "number" || context.req.param("organization") !== gitHubOrganization) {
      const status = membership === 403 ? 403 : 404;
      return context.json({ message: "planted-upstream-text" }, status, {
        "x-github-sso": "required; url=https://github.com/orgs/example/sso?authorization_request=planted",
      });
    }
    return context.json({ state: membership, role: "member", user: { id: state.memberId ?? state.userId } });
  });
  app.get("/user/emails", (context) => context.json(state.emails));

  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("GitHub got no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    state,
    clientSecret,
    liveTokens: live,
    tokens,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
