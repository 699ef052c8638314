import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { Server } from "node:http";

import { createBrowser, followSignIn, signInAs, SignInStopped } from "./browserless.ts";
import { startIssuer } from "./issuer.ts";
import type { Issuer } from "./issuer.ts";

const binding = "__Host-bind";
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/** The least of a function: ties the attempt to the browser by a cookie and passes on what the issuer answers. */
async function startBroker(issuer: Issuer, visited: string[]): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", `http://${request.headers.host}`);
    visited.push(url.pathname);
    if (url.pathname === "/v1/auth/start") {
      const back = url.searchParams.get("redirect_uri") ?? "";
      const next = new URL("/auth", issuer.url);
      next.search = new URLSearchParams({
        client_id: issuer.clientId,
        response_type: "code",
        scope: "openid email",
        redirect_uri: `${url.origin}/v1/auth/callback`,
        code_challenge: challenge,
        code_challenge_method: "S256",
        state: back,
      }).toString();
      response.setHeader("set-cookie", `${binding}=bound; Path=/; Secure; HttpOnly; SameSite=Lax`);
      response.writeHead(302, { location: next.href }).end();
      return;
    }
    const isBound = request.headers.cookie?.split("; ").includes(`${binding}=bound`) ?? false;
    const back = url.searchParams.get("state") ?? "";
    if (isBound && back !== "") response.writeHead(302, { location: `${back}?code=one-time` }).end();
    else response.writeHead(403).end("browser_mismatch");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { server, url: `http://127.0.0.1:${address.port}` };
}

describe("the browserless sign-in", () => {
  let issuer: Issuer;
  let broker: { server: Server; url: string };
  let visited: string[];

  beforeEach(async () => {
    visited = [];
    issuer = await startIssuer({ redirectUris: [] });
    broker = await startBroker(issuer, visited);
    issuer.setRedirectUris([`${broker.url}/v1/auth/callback`]);
  });

  afterEach(async () => {
    await issuer.stop();
    broker.server.close();
    broker.server.closeAllConnections();
  });

  function startUrl(redirectUri: string): URL {
    const url = new URL("/v1/auth/start", broker.url);
    url.searchParams.set("redirect_uri", redirectUri);
    return url;
  }

  for (const [name, redirectUri] of [
    ["an editor", () => "vscode://openrouter-keys.openrouter-keys/auth"],
    ["an https address elsewhere", () => "https://editor.example.com/auth"],
    ["another loopback port", () => "http://127.0.0.1:1/auth"],
    ["the function's own origin", () => `${broker.url}/editor/auth`],
  ] as const) {
    it(`ends at the redirect to ${name} without requesting it`, async () => {
      const end = await followSignIn(startUrl(redirectUri()), "ada@example.com");
      assert.deepStrictEqual(
        { end: end.href, visited },
        { end: `${redirectUri()}?code=one-time`, visited: ["/v1/auth/start", "/v1/auth/callback"] },
      );
    });
  }

  it("ends where the function answers a page, and hands over that page", async () => {
    const refused = followSignIn(startUrl(""), "ada@example.com");
    await assert.rejects(refused, (fault) => {
      assert.ok(fault instanceof SignInStopped);
      assert.deepStrictEqual(
        { path: fault.url.pathname, status: fault.status, body: fault.body },
        { path: "/v1/auth/callback", status: 403, body: "browser_mismatch" },
      );
      return true;
    });
  });

  it("carries no cookie into another browser", async () => {
    const victim = createBrowser();
    const attacker = createBrowser();
    const start = await attacker.request(startUrl("vscode://openrouter-keys.openrouter-keys/auth"));
    const callback = await signInAs(start.headers.get("location") ?? "", "ada@example.com", victim);
    const answers = [await victim.request(callback), await attacker.request(callback)];
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [403, 302],
    );
  });

  it("says so when nobody of that e-mail is on the page", async () => {
    const start = startUrl("vscode://openrouter-keys.openrouter-keys/auth");
    await assert.rejects(followSignIn(start, "nobody@example.com"), /no button for nobody@example\.com/);
  });
});
