import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { Server } from "node:http";

import type { JWTPayload } from "jose";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { codeOf, exchange, outcome } from "../../support/attempt.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { FunctionOptions, RunningFunction } from "../../support/function.ts";
import { call, desktopRedirect, getCode, startFunction, startParameters } from "../../support/function.ts";
import type { Browser } from "../../support/issuer/browserless.ts";
import { createBrowser, followSignIn, signInAs } from "../../support/issuer/browserless.ts";
import type { Forge } from "../../support/issuer/forge.ts";
import { examplePeople } from "../../support/issuer/people.ts";
import { createTokenSmith } from "../../support/token-smith.ts";

const hour = 3_600_000;
const seconds = (): number => Math.floor(Date.now() / 1000);

for (const kind of databaseKinds) {
  describe(`attacks on sign-in on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;

    beforeEach(async () => {
      stores = await kind.open();
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    async function start(options: Omit<FunctionOptions, "stores"> = {}): Promise<void> {
      running = await startFunction({ ...options, stores });
    }

    async function outcomes(forges: Readonly<Record<string, Forge>>): Promise<Readonly<Record<string, string>>> {
      const ended: Record<string, string> = {};
      for (const [name, forge] of Object.entries(forges)) {
        running.issuer.setForge(forge);
        ended[name] = await outcome(running);
      }
      return ended;
    }

    function refusedAll(forges: Readonly<Record<string, Forge>>): Readonly<Record<string, string>> {
      return Object.fromEntries(Object.keys(forges).map((name) => [name, "forbidden"]));
    }

    const saying =
      (changes: JWTPayload): Forge =>
      ({ claims, sign }) =>
        sign({ ...claims, ...changes });

    it("threat 14: a token made for another application or another sign-in signs nobody in", async () => {
      await start();
      const forges = {
        "another client's": saying({ aud: "other-client" }),
        "issued to another client": saying({ azp: "other-client" }),
        "for several, naming none": ({ claims, sign }: Parameters<Forge>[0]) =>
          sign({ ...claims, aud: [running.issuer.clientId, "other-client"], azp: undefined }),
        "another sign-in's": saying({ nonce: "other" }),
        "no sign-in's": saying({ nonce: undefined }),
        "another issuer's": saying({ iss: "https://evil.example" }),
      };
      assert.deepStrictEqual(await outcomes(forges), refusedAll(forges));
      running.issuer.setForge(undefined);
      assert.equal(await outcome(running), "signed in");
    });

    it("threat 15: no other algorithm counts, and made-up key ids cost no fetches", async () => {
      await start();
      const smith = createTokenSmith("stand-in");
      const forges: Readonly<Record<string, Forge>> = {
        "PS256 with the issuer's own key": ({ claims, sign }) => sign(claims, { alg: "PS256" }),
        "HS256 with a public key": ({ claims, sign }) => sign(claims, { alg: "HS256" }, smith.publicPem),
        none: ({ claims }) => smith.leaveUnsigned(claims),
        "a stranger's key under the same id": ({ claims }) => smith.sign(claims),
        "without expiry": ({ claims: { exp: _exp, ...claims }, sign }) => sign(claims),
        "issued in ten minutes": saying({ iat: seconds() + 600, exp: seconds() + 4_000 }),
        expired: saying({ exp: seconds() - 90 }),
      };
      assert.deepStrictEqual(await outcomes(forges), refusedAll(forges));
      const before = running.issuer.requests.get("/jwks");
      for (let index = 0; index < 10; index += 1) {
        running.issuer.setForge(({ claims, sign }) => sign(claims, { kid: `made-up-${index}` }));
        assert.equal(await outcome(running), "forbidden");
      }
      assert.deepStrictEqual([before, running.issuer.requests.get("/jwks")], [1, 1]);
    });

    it("threat 15: a key id that is not known has the issuer asked once in half a minute", async () => {
      await start();
      assert.equal(await outcome(running), "signed in");
      running.advance(31_000);
      running.issuer.setForge(({ claims, sign }) => sign(claims, { kid: "made-up" }));
      const ended = [await outcome(running), await outcome(running), await outcome(running)];
      assert.deepStrictEqual(
        [ended, running.issuer.requests.get("/jwks")],
        [["forbidden", "forbidden", "forbidden"], 2],
      );
    });

    it("threat 16: a code that was caught on its way is worth nothing, and then burned", async () => {
      await start();
      const stolen = await getCode(running.url, "ada@example.com");
      const spent = await getCode(running.url, "ada@example.com");
      const answers = [
        await exchange(running, stolen.code, "x".repeat(43)),
        await exchange(running, stolen.code, stolen.verifier),
        await exchange(running, spent.code, spent.verifier),
        await exchange(running, spent.code, spent.verifier),
      ];
      assert.deepStrictEqual(answers.map(codeOf), ["unauthorized", "unauthorized", "200", "unauthorized"]);
    });

    it("threat 17: nobody is signed in as the attacker by opening the attacker's callback", async () => {
      await start();
      const victim = createBrowser();
      await victim.request(startParameters(running.url).url);
      const attackers = await stopAtCallback(createBrowser(), "mallory@elsewhere.example");
      const answer = await victim.request(attackers);
      const own = createBrowser();
      const twice = await stopAtCallback(own, "ada@example.com");
      twice.searchParams.append("state", "x");
      assert.deepStrictEqual(
        [answer.status, answer.headers.get("Location"), (await own.request(twice)).status],
        [400, null, 400],
      );
    });

    it("threat 18: an editor on a shared host gets a code only when the person says so", async () => {
      const listed = "https://editor.example.com/callback";
      await start({ environment: { SESSION_REDIRECTS: listed } });
      const browser = createBrowser();
      const { url, verifier } = startParameters(running.url, `${listed}?vscode-reqid=1`, 'state"><b>');
      const page = await browser.request(await stopAtCallback(browser, "ada@example.com", url));
      const html = await page.text();
      const field = (name: string): string =>
        new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1]?.replaceAll("&quot;", '"') ?? "";
      const unlisted = await Promise.all(
        ["https://editor.example.com/other", "https://evil.editor.example.com/callback", "https://x.github.dev/cb"].map(
          async (redirect) =>
            (await call(running.url, "GET", pathOf(startParameters(running.url, redirect).url))).status,
        ),
      );
      running.advance(4 * 60_000);
      const answer = await exchange(running, field("code"), verifier);
      assert.deepStrictEqual(
        {
          status: page.status,
          location: page.headers.get("Location"),
          goesByItself: /http-equiv|<script|autofocus/.test(html),
          asks: html.includes("Sign in to VS Code at editor.example.com?"),
          names: html.includes("ada@example.com"),
          action: /<form method="get" action="([^"]+)"/.exec(html)?.[1],
          request: field("vscode-reqid"),
          state: html.includes("<b>"),
          policy: page.headers.get("Content-Security-Policy"),
          unlisted,
          signedIn: answer.status,
        },
        {
          status: 200,
          location: null,
          goesByItself: false,
          asks: true,
          names: true,
          action: listed,
          request: "1",
          state: false,
          policy: "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
          unlisted: [400, 400, 400],
          signedIn: 200,
        },
      );
    });

    it("shows the code on a page, to be pasted where no address leads", async () => {
      await start();
      const browser = createBrowser();
      const { url, verifier } = startParameters(running.url, `${running.url}/v1/auth/code`);
      const page = await browser.request(await stopAtCallback(browser, "ada@example.com", url));
      const html = await page.text();
      const code = /<input id="code" value="([^"]+)"/.exec(html)?.[1] ?? "";
      running.advance(4 * 60_000);
      const late = startParameters(running.url, `${running.url}/v1/auth/code`);
      const latePage = await (await browser.request(await stopAtCallback(browser, "ada@example.com", late.url))).text();
      const answer = await exchange(running, code, verifier);
      running.advance(5 * 60_000);
      const lateCode = /<input id="code" value="([^"]+)"/.exec(latePage)?.[1] ?? "";
      const near = startParameters(running.url, `${running.url}/v1/auth/code?x=1`);
      assert.deepStrictEqual(
        {
          status: page.status,
          scripts: html.includes("<script"),
          cached: page.headers.get("Cache-Control"),
          policy: page.headers.get("Content-Security-Policy")?.startsWith("default-src 'none'"),
          answer: answer.status,
          late: codeOf(await exchange(running, lateCode, late.verifier)),
          near: (await call(running.url, "GET", pathOf(near.url))).status,
        },
        {
          status: 200,
          scripts: false,
          cached: "no-store",
          policy: true,
          answer: 200,
          late: "unauthorized",
          near: 400,
        },
      );
    });

    it("threat 19: an answer of another issuer is refused, also when it is an error, and so is silence", async () => {
      await start();
      const spoils: readonly ((callback: URL) => void)[] = [
        (callback) => callback.searchParams.set("iss", "https://evil.example"),
        (callback) => callback.searchParams.append("iss", "https://evil.example"),
        (callback) => callback.searchParams.delete("iss"),
        (callback) => callback.searchParams.append("code", "another"),
        (callback) => {
          callback.search = new URLSearchParams({
            state: callback.searchParams.get("state") ?? "",
            error: "access_denied",
            iss: "https://evil.example",
          }).toString();
        },
      ];
      const tokens = running.issuer.requests.get("/token") ?? 0;
      for (const spoil of spoils) {
        const browser = createBrowser();
        const callback = await stopAtCallback(browser, "ada@example.com");
        spoil(callback);
        const answer = await browser.request(callback);
        assert.deepStrictEqual([answer.status, (await answer.text()).includes("code=")], [403, false]);
      }
      assert.equal(running.issuer.requests.get("/token") ?? 0, tokens);
    });

    it("threat 19: no address that is nearly right gets a code", async () => {
      const listed = "https://editor.example.com/callback";
      await start({ environment: { SESSION_REDIRECTS: listed } });
      const random = seeded(20_261_125);
      const allowed = [desktopRedirect, "http://127.0.0.1:4321/auth", listed, `${running.url}/v1/auth/code`];
      const pieces = ["/", ".", "@", ":", "\\", "#", "%2e", "..", "evil.example", " ", "\u0000", "*", "\u2044", "auth"];
      const near = allowed.flatMap((base) => pieces.flatMap((piece) => [`${base}${piece}`, `${piece}${base}`]));
      for (let index = 0; index < 200; index += 1) {
        const base = allowed[random(allowed.length)] ?? "";
        const at = random(base.length + 1);
        near.push(base.slice(0, at) + (pieces[random(pieces.length)] ?? "") + base.slice(at + random(3)));
      }
      const surprising: string[] = [];
      for (const address of near) {
        const answer = await call(running.url, "GET", pathOf(startParameters(running.url, address).url));
        if (answer.status !== 302) continue;
        // Whatever is allowed leads to the same place as one that was meant to be.
        const meant = /^vscode:\/\/openrouter-keys\.openrouter-keys\/auth$|^http:\/\/127\.0\.0\.1:\d+\/auth$/;
        if (!meant.test(address) && !allowed.includes(address)) surprising.push(address);
      }
      assert.deepStrictEqual(surprising, []);
    });

    it("threat 20: no likeness of an administrator's e-mail is one", async () => {
      const people = [
        { address: "\u212Aate@example.com", refused: true },
        { address: "kate+x@example.com", refused: false },
        { address: "k.ate@example.com", refused: false },
        { address: "KATE@EXAMPLE.COM", refused: false },
      ].map((person, index) => ({ ...person, subject: `likeness-${index}` }));
      await start({
        environment: { ADMIN_EMAILS: "kate@example.com" },
        issuer: {
          people: people.map(({ address: email, subject }) => ({
            subject,
            email,
            emailVerified: true,
            name: subject,
            hostedDomain: "example.com",
          })),
        },
      });
      const admins: (boolean | string)[] = [];
      for (const { subject } of people) {
        const { verifier, url } = startParameters(running.url);
        const end = await followSignIn(url, subject, createBrowser()).catch(() => undefined);
        const answer = await exchange(running, end?.searchParams.get("code") ?? "none", verifier);
        admins.push(answer.status === 200 ? Object(answer.body).isAdmin === true : "refused");
      }
      assert.deepStrictEqual(admins, ["refused", false, false, true]);
    });

    it("threat 21: who comes with somebody's e-mail gets neither their keys nor a session", async () => {
      const people = [...examplePeople];
      await start({ issuer: { people } });
      const ada = await running.signIn("ada@example.com");
      people[0] = { ...examplePeople[0], subject: "recycled", email: "ada@example.com", emailVerified: true };
      assert.deepStrictEqual(
        [await outcome(running), (await ada.call("GET", "/v1/me")).status],
        ["identity_conflict", 200],
      );
    });

    it("threat 22: consumer accounts, guests and e-mails that nobody verified stay outside", async () => {
      await start({ environment: { OIDC_PROVIDER: "google" } });
      const forges = {
        consumer: saying({ hd: undefined }),
        unverified: saying({ email_verified: false }),
        elsewhere: saying({ hd: "elsewhere.example" }),
        "no e-mail": saying({ email: undefined }),
      };
      assert.deepStrictEqual(await outcomes(forges), refusedAll(forges));
    });

    it("threat 23: people go on working while the issuer is away, and sign in while only its keys are", async () => {
      await start();
      const ada = await running.signIn("ada@example.com");
      running.issuer.setFault({ path: /^\/jwks$/, status: 503 });
      running.advance(hour / 2);
      const within = await outcome(running);
      running.issuer.setFault({ path: /./, status: 503 });
      const { url } = startParameters(running.url);
      running.advance(24 * hour);
      const later = await call(running.url, "GET", pathOf(url));
      assert.deepStrictEqual(
        {
          within,
          later: [later.status, codeOf(later), later.headers.has("Retry-After")],
          ada: (await ada.call("GET", "/v1/keys")).status,
        },
        { within: "signed in", later: [503, "upstream_unavailable", true], ada: 200 },
      );
    });

    it("threat 23: keys that are a day old count no more, and that is not the person's fault", async () => {
      await start();
      assert.equal(await outcome(running), "signed in");
      running.advance(23 * hour);
      running.issuer.setFault({ path: /^\/jwks$/, status: 503 });
      const stale = await outcome(running);
      running.advance(hour);
      assert.deepStrictEqual([stale, await outcome(running)], ["signed in", "upstream_unavailable"]);
    });

    it("threat 24: clocks may differ by a minute, and no more", async () => {
      await start();
      assert.deepStrictEqual(
        await outcomes({
          "30 s ahead": saying({ iat: seconds() + 30 }),
          "90 s ahead": saying({ iat: seconds() + 90 }),
          "expired 30 s ago": saying({ exp: seconds() - 30 }),
          "expired 90 s ago": saying({ exp: seconds() - 90 }),
        }),
        {
          "30 s ahead": "signed in",
          "90 s ahead": "forbidden",
          "expired 30 s ago": "signed in",
          "expired 90 s ago": "forbidden",
        },
      );
    });

    describe("with an address that nobody may be sent to", () => {
      let trap: Server;
      let address: string;
      let caught: number;

      beforeEach(async () => {
        caught = 0;
        trap = createServer((_request, response) => {
          caught += 1;
          response.end("{}");
        });
        await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
        const bound = trap.address();
        assert.ok(bound !== null && typeof bound === "object");
        address = `http://127.0.0.1:${bound.port}/keys`;
      });

      afterEach(() => {
        trap.close();
        trap.closeAllConnections();
      });

      it("threat 36: no address in a token is ever asked", async () => {
        await start();
        const smith = createTokenSmith("theirs");
        const forges: Readonly<Record<string, Forge>> = {
          jku: ({ claims }) => smith.sign(claims, { jku: address }),
          x5u: ({ claims }) => smith.sign(claims, { x5u: address }),
          jwk: ({ claims }) => smith.sign(claims, { jwk: { ...smith.jwks.keys[0], kty: "RSA" } }),
          "kid as an address": ({ claims }) => smith.sign(claims, { kid: address }),
          iss: ({ claims }) => smith.sign({ ...claims, iss: address }),
        };
        assert.deepStrictEqual([await outcomes(forges), caught], [refusedAll(forges), 0]);
      });

      for (const path of ["/.well-known/openid-configuration", "/jwks", "/token"]) {
        it(`threat 36: a redirect of ${path} is not followed`, async () => {
          await start();
          running.issuer.setFault({ path: new RegExp(`^${path}$`), status: 307, location: address });
          const { url } = startParameters(running.url);
          const started = await call(running.url, "GET", pathOf(url));
          const ended = started.status === 302 ? await outcome(running) : codeOf(started);
          assert.deepStrictEqual([ended, caught], ["upstream_unavailable", 0]);
        });
      }
    });

    async function stopAtCallback(
      browser: Browser,
      email: string,
      startUrl = startParameters(running.url).url,
    ): Promise<URL> {
      const started = await browser.request(startUrl);
      return signInAs(started.headers.get("Location") ?? "", email, browser);
    }
  });
}

function pathOf(url: string): string {
  return url.slice(new URL(url).origin.length);
}

/** The same numbers in every run: an LCG of Numerical Recipes. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
