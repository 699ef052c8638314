import assert from "node:assert/strict";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { TokenAnswer } from "../../../functions/contract/account.ts";
import { codeOf, exchange } from "../../support/attempt.ts";
import { databaseKinds } from "../../support/databases.ts";
import { evilRedirects } from "../../support/evil-redirects.ts";
import type { RunningFunction } from "../../support/function.ts";
import { call, desktopRedirect, getCode, startFunction, startParameters } from "../../support/function.ts";
import {
  SignInStopped,
  cancelSignIn,
  createBrowser,
  followSignIn,
  signInAs,
} from "../../support/issuer/browserless.ts";

const hour = 3_600_000;

for (const kind of databaseKinds) {
  describe(`sign-in on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;

    beforeEach(async () => {
      stores = await kind.open();
      running = await startFunction({ stores });
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    it("takes a person from the editor to the issuer and back, and trades the code for a session", async () => {
      const { verifier, url } = startParameters(running.url, `${desktopRedirect}?windowId=3`, "state/+&=?");
      const end = await followSignIn(url, "ada@example.com", createBrowser());
      const answer = await exchange(running, end.searchParams.get("code") ?? "", verifier);
      const token = TokenAnswer.parse(answer.body);
      const me = await call(running.url, "GET", "/v1/me", {
        headers: { Authorization: `Bearer ${token.sessionToken}` },
      });
      assert.deepStrictEqual(
        {
          address: end.href.split("&")[0],
          state: end.searchParams.get("state"),
          status: answer.status,
          account: token.account.label,
          isAdmin: token.isAdmin,
          days: Math.round((Date.parse(token.expiresAt) - Date.now()) / (24 * hour)),
          me: me.body,
        },
        {
          address: `${desktopRedirect}?windowId=3`,
          state: "state/+&=?",
          status: 200,
          account: "ada@example.com",
          isAdmin: true,
          days: 7,
          me: {
            account: token.account,
            isAdmin: true,
            plan: {
              maxKeys: 3,
              budgetUsd: 100,
              reset: "monthly",
              defaultKeyUsd: 25,
              maxKeyUsd: 50,
              maxLifetimeDays: 90,
            },
            allowanceUsd: 100,
            keysLeft: 3,
          },
        },
      );
    });

    it("knows a person again by issuer and subject", async () => {
      const first = await signInToken(running, "grace@example.com");
      const second = await signInToken(running, "grace@example.com");
      assert.deepStrictEqual([first.account, first.isAdmin], [second.account, false]);
    });

    it("takes a code once", async () => {
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      const answers = [await exchange(running, code, verifier), await exchange(running, code, verifier)];
      assert.deepStrictEqual(answers.map(codeOf), ["200", "unauthorized"]);
    });

    it("burns a stolen code for its owner too", async () => {
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      const answers = [await exchange(running, code, "x".repeat(43)), await exchange(running, code, verifier)];
      assert.deepStrictEqual(answers.map(codeOf), ["unauthorized", "unauthorized"]);
    });

    it("forgets a code after a minute", async () => {
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      running.advance(60_000);
      assert.equal(codeOf(await exchange(running, code, verifier)), "unauthorized");
    });

    it("refuses to finish in another browser, and then in the first one too", async () => {
      const { url } = startParameters(running.url);
      const browser = createBrowser();
      const callback = await stopAtCallback(running, url, browser);
      const answers = [await createBrowser().request(callback), await browser.request(callback)];
      assert.deepStrictEqual(
        answers.map((answer) => [answer.status, answer.headers.get("Location")]),
        [
          [400, null],
          [400, null],
        ],
      );
    });

    it("forgets a sign-in that takes longer than ten minutes", async () => {
      const { url } = startParameters(running.url);
      const browser = createBrowser();
      const callback = await stopAtCallback(running, url, browser);
      running.advance(10 * 60_000);
      assert.equal((await browser.request(callback)).status, 400);
    });

    it("turns away an account of another domain with a page that also tells the editor", async () => {
      const { url } = startParameters(running.url);
      const stopped = await followSignIn(url, "mallory@elsewhere.example", createBrowser()).catch(
        (error: unknown) => error,
      );
      assert.ok(stopped instanceof SignInStopped);
      const target =
        /http-equiv="refresh" content="0; url=([^"]+)"/.exec(stopped.body)?.[1]?.replaceAll("&amp;", "&") ?? "";
      const query = new URL(target).searchParams;
      assert.deepStrictEqual(
        {
          status: stopped.status,
          says: stopped.body.includes("is not an account of this company"),
          scripts: stopped.body.includes("<script"),
          to: target.split("?")[0],
          error: query.get("error"),
          state: query.get("state"),
          code: query.get("code"),
        },
        {
          status: 403,
          says: true,
          scripts: false,
          to: desktopRedirect,
          error: "forbidden",
          state: "editor-state",
          code: null,
        },
      );
    });

    it("tells the editor when the person cancels at the issuer", async () => {
      const { url } = startParameters(running.url);
      const browser = createBrowser();
      const started = await browser.request(url);
      const callback = await cancelSignIn(started.headers.get("Location") ?? "", browser);
      const answer = await browser.request(callback);
      assert.deepStrictEqual([answer.status, (await answer.text()).includes("error=forbidden")], [403, true]);
    });

    it("sends a code nowhere but to the editor", async () => {
      const statuses = await Promise.all(
        evilRedirects.map(
          async (redirect) =>
            (await call(running.url, "GET", pathOf(startParameters(running.url, redirect).url))).status,
        ),
      );
      const loopback = await call(
        running.url,
        "GET",
        pathOf(startParameters(running.url, "http://127.0.0.1:1234/auth").url),
      );
      assert.deepStrictEqual([statuses, loopback.status], [evilRedirects.map(() => 400), 302]);
    });

    it("demands a PKCE challenge of the strong kind", async () => {
      const { url } = startParameters(running.url);
      const spoilt = [
        url.replace("S256", "plain"),
        url.replace(/code_challenge=[^&]+/, "code_challenge=short"),
        url.replace(/&code_challenge_method=[^&]+/, ""),
        url.replace(/&state=.*/, ""),
        `${url}&more=1`,
      ];
      const answers = await Promise.all(spoilt.map((each) => call(running.url, "GET", pathOf(each))));
      assert.deepStrictEqual(
        answers.map(codeOf),
        spoilt.map(() => "invalid_request"),
      );
    });

    it("ends a session at once on sign-out, after 72 idle hours, and after 7 days", async () => {
      const [out, idle, busy] = [
        await running.signIn("ada@example.com"),
        await running.signIn("ada@example.com"),
        await running.signIn("ada@example.com"),
      ];
      const signedOut = [(await out.call("DELETE", "/v1/session")).status, codeOf(await out.call("GET", "/v1/me"))];
      const busyCodes: string[] = [];
      for (let passed = 0; passed < 168; passed += 24) {
        running.advance(24 * hour);
        busyCodes.push(codeOf(await busy.call("GET", "/v1/me")));
      }
      assert.deepStrictEqual(
        [signedOut, codeOf(await idle.call("GET", "/v1/me")), busyCodes],
        [[204, "unauthorized"], "unauthorized", ["200", "200", "200", "200", "200", "200", "unauthorized"]],
      );
    });

    it("keeps at most ten sessions a person, the latest", async () => {
      const callers = [];
      for (let index = 0; index < 11; index += 1) {
        callers.push(await running.signIn("ada@example.com"));
        running.advance(1_000);
      }
      const codes = await Promise.all(callers.map(async (caller) => codeOf(await caller.call("GET", "/v1/me"))));
      assert.deepStrictEqual(codes, ["unauthorized", ...callers.slice(1).map(() => "200")]);
    });

    it("answers every bad bearer alike", async () => {
      const bearers = ["", "Bearer", "Bearer ors_", `Bearer ors_${"x".repeat(43)}`, "Basic YTpi", "Bearer undefined"];
      const answers = await Promise.all(
        bearers.map((bearer) => call(running.url, "GET", "/v1/keys", { headers: { Authorization: bearer } })),
      );
      const bodies = new Set(answers.map((answer) => JSON.stringify({ ...Object(answer.body), requestId: "" })));
      assert.deepStrictEqual([answers.map((answer) => answer.status), bodies.size], [bearers.map(() => 401), 1]);
    });

    it("says so when the issuer is away, on a page and to the editor, and signed-in people go on working", async () => {
      const ada = await running.signIn("ada@example.com");
      await running.issuer.stop();
      running.advance(25 * hour);
      const { url } = startParameters(running.url);
      const started = await call(running.url, "GET", pathOf(url));
      const page = await createBrowser().request(url);
      const body = await page.text();
      const target = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(body)?.[1]?.replaceAll("&amp;", "&") ?? "";
      const sentence = "The sign-in service cannot be reached right now. Try again in a moment.";
      assert.deepStrictEqual(
        {
          editor: [started.status, codeOf(started), started.headers.has("Retry-After")],
          page: [page.status, body.includes(sentence), page.headers.has("Retry-After"), page.headers.has("Set-Cookie")],
          to: target.split("?")[0],
          told: Object.fromEntries(new URLSearchParams(target.split("?")[1])),
          ada: (await ada.call("GET", "/v1/me")).status,
        },
        {
          editor: [503, "upstream_unavailable", true],
          page: [503, true, true, false],
          to: desktopRedirect,
          told: { error: "upstream_unavailable", error_description: sentence, state: "editor-state" },
          ada: 200,
        },
      );
    });

    it("tells a person on a page, and no editor, what is wrong with an address that they opened", async () => {
      const pages = await Promise.all(
        [startParameters(running.url, "https://evil.example/auth").url, `${running.url}/v1/auth/callback?state=x`].map(
          async (url) => {
            const answer = await createBrowser().request(url);
            const body = await answer.text();
            return [answer.status, /<h1>Not signed in<\/h1>/.test(body), /evil|http-equiv|<a /.test(body)];
          },
        ),
      );
      assert.deepStrictEqual(pages, [
        [400, true, false],
        [400, true, false],
      ]);
    });

    it("writes one record for each request, without people, paths or secrets in it", async () => {
      const ada = await running.signIn("ada@example.com");
      await ada.call("DELETE", "/v1/keys/00000000-0000-4000-8000-000000000000");
      const records = JSON.stringify(running.records);
      assert.deepStrictEqual(
        {
          last: { ...running.records.at(-1), requestId: "", milliseconds: 0, databaseMs: 0 },
          leaks: [
            ada.token,
            "ada@",
            "00000000-0000",
            running.issuer.clientSecret,
            running.openRouter.managementKey,
          ].filter((secret) => records.includes(secret)),
        },
        {
          last: {
            requestId: "",
            method: "DELETE",
            route: "/v1/keys/:id",
            status: 404,
            milliseconds: 0,
            databaseMs: 0,
            upstreamMs: 0,
            upstreamCalls: 0,
            code: "not_found",
          },
          leaks: [],
        },
      );
    });
  });
}

async function stopAtCallback(
  running: RunningFunction,
  start: string,
  browser: ReturnType<typeof createBrowser>,
): Promise<URL> {
  const started = await browser.request(start);
  const callback = await signInAs(started.headers.get("Location") ?? "", "ada@example.com", browser);
  assert.equal(callback.origin, running.url);
  return callback;
}

async function signInToken(running: RunningFunction, email: string): Promise<TokenAnswer> {
  const { code, verifier } = await getCode(running.url, email);
  return TokenAnswer.parse((await exchange(running, code, verifier)).body);
}

function pathOf(url: string): string {
  return url.slice(new URL(url).origin.length);
}
