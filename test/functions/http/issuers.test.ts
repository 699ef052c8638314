import assert from "node:assert/strict";

import type { JWTPayload } from "jose";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { attempt, outcome } from "../../support/attempt.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { FunctionOptions, RunningFunction } from "../../support/function.ts";
import { call, desktopRedirect, startFunction, startParameters } from "../../support/function.ts";
import { createBrowser } from "../../support/issuer/browserless.ts";

const hour = 3_600_000;
const tenant = "11111111-2222-4333-8444-555555555555";
const objectId = "99999999-2222-4333-8444-555555555555";

for (const kind of databaseKinds) {
  describe(`issuers on ${kind.name}`, function () {
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

    async function start(options: Omit<FunctionOptions, "stores">): Promise<void> {
      running = await startFunction({ ...options, stores });
    }

    /** From now on the issuer's tokens say this too, or no longer. */
    function claim(changes: JWTPayload): void {
      running.issuer.setForge(({ claims, sign }) => sign({ ...claims, ...changes }));
    }

    async function authorization(query: Readonly<Record<string, string>> = {}): Promise<URLSearchParams> {
      const { url } = startParameters(running.url, desktopRedirect, "editor-state", query);
      const answer = await call(running.url, "GET", url.slice(running.url.length));
      return new URL(answer.headers.get("Location") ?? "").searchParams;
    }

    describe("like Google Workspace", () => {
      /** Google says neither when the person last signed in nor always its name in full. */
      const google = { iss: "accounts.google.com", auth_time: undefined };

      beforeEach(async () => {
        await start({ environment: { OIDC_PROVIDER: "google" } });
      });

      const cases: Readonly<Record<string, readonly [JWTPayload, string]>> = {
        "a Workspace account": [{}, "signed in"],
        "a consumer account on a company's address": [{ hd: undefined }, "forbidden"],
        "another company's account with a company's address": [{ hd: "elsewhere.example" }, "forbidden"],
        "an unverified address": [{ email_verified: false }, "forbidden"],
        "an address of which nothing is said": [{ email_verified: undefined }, "forbidden"],
      };
      for (const [name, [changes, expected]] of Object.entries(cases)) {
        it(`${name}: ${expected}`, async () => {
          claim({ ...google, ...changes });
          assert.equal(await outcome(running), expected);
        });
      }

      it("is asked for the company's accounts, and to show its list when the person is to prove themselves", async () => {
        const [usual, again] = [await authorization(), await authorization({ prompt: "login" })];
        assert.deepStrictEqual(
          [usual, again].map((query) => [query.get("hd"), query.get("max_age"), query.get("prompt")]),
          [
            ["example.com", null, null],
            ["example.com", null, "select_account"],
          ],
        );
      });
    });

    describe("like Entra", () => {
      const account = { tid: tenant, oid: objectId, sub: "pairwise-1", xms_edov: true, email_verified: undefined };
      const options = { issuer: { path: `/${tenant}/v2.0` } };

      const cases: Readonly<Record<string, readonly [JWTPayload, Readonly<Record<string, string>>, string]>> = {
        "a member": [{}, {}, "signed in"],
        "an account of another tenant": [{ tid: "22222222-2222-4333-8444-555555555555" }, {}, "forbidden"],
        "an account without an object id": [{ oid: undefined }, {}, "forbidden"],
        "a guest": [{ acct: 1 }, {}, "forbidden"],
        "a guest where guests are allowed": [{ acct: 1 }, { ENTRA_ALLOW_GUESTS: "true" }, "signed in"],
        "an e-mail that any administrator may have written": [{ xms_edov: undefined }, {}, "forbidden"],
        "the same where nothing need be verified": [
          { xms_edov: undefined, email_verified: true },
          { REQUIRE_EMAIL_VERIFIED: "false" },
          "forbidden",
        ],
      };
      for (const [name, [changes, environment, expected]] of Object.entries(cases)) {
        it(`${name}: ${expected}`, async () => {
          await start({ ...options, environment: { OIDC_PROVIDER: "entra", ...environment } });
          claim({ ...account, hd: undefined, ...changes });
          assert.equal(await outcome(running), expected);
        });
      }

      it("a person is the same for another application's view of them", async () => {
        await start({ ...options, environment: { OIDC_PROVIDER: "entra" } });
        claim({ ...account, hd: undefined });
        const first = await attempt(running);
        claim({ ...account, hd: undefined, sub: "pairwise-2" });
        const second = await attempt(running);
        assert.ok("token" in first && "token" in second);
        assert.equal(first.token.account.id, second.token.account.id);
      });
    });

    describe("like Okta", () => {
      const okta = { email_verified: undefined, hd: undefined };
      const options = { issuer: { path: "/oauth2/default" } };

      const cases: Readonly<Record<string, readonly [JWTPayload, Readonly<Record<string, string>>, string]>> = {
        "a person of another directory, of whom Okta says nothing": [{}, {}, "forbidden"],
        "the same where the company's domains are proof enough": [{}, { REQUIRE_EMAIL_VERIFIED: "false" }, "signed in"],
        "an address that is said to be unverified": [
          { email_verified: false },
          { REQUIRE_EMAIL_VERIFIED: "false" },
          "forbidden",
        ],
        "an address verified in text": [{ email_verified: "true" }, {}, "signed in"],
      };
      for (const [name, [changes, environment, expected]] of Object.entries(cases)) {
        it(`${name}: ${expected}`, async () => {
          await start({ ...options, environment: { OIDC_PROVIDER: "okta", ...environment } });
          claim({ ...okta, ...changes });
          assert.equal(await outcome(running), expected);
        });
      }

      it("a group makes administrators, at each request, until the person is out of it", async () => {
        await start({ ...options, environment: { ADMIN_EMAILS: "", ADMIN_GROUP: "platform" } });
        const scope = (await authorization()).get("scope");
        const ada = await running.signIn("ada@example.com");
        const before = await ada.call("GET", "/v1/admin/identities");
        claim({ groups: ["engineering"] });
        await running.signIn("ada@example.com");
        const after = await ada.call("GET", "/v1/admin/identities");
        const grace = await running.signIn("grace@example.com");
        assert.deepStrictEqual(
          [scope, before.status, after.status, (await grace.call("GET", "/v1/admin/identities")).status],
          ["openid email profile groups", 200, 403, 403],
        );
      });
    });

    describe("of any kind", () => {
      beforeEach(async () => {
        await start({});
      });

      it("are asked for a proof of the last 12 hours, or a newer one on demand", async () => {
        const asked = [
          await authorization(),
          await authorization({ max_age: "600" }),
          await authorization({ max_age: "99999" }),
          await authorization({ prompt: "login" }),
        ];
        assert.deepStrictEqual(
          asked.map((query) => [query.get("max_age"), query.get("prompt")]),
          [
            ["43200", null],
            ["600", null],
            ["43200", null],
            ["0", "login"],
          ],
        );
      });

      it("that answer with an old proof though a new one was asked for are refused", async () => {
        const longAgo = Math.floor((Date.now() - 20 * hour) / 1000);
        claim({ auth_time: longAgo });
        assert.deepStrictEqual(
          [await outcome(running), await outcome(running, undefined, { prompt: "login" })],
          ["signed in", "reauth_required"],
        );
        running.issuer.setForge(undefined);
        assert.equal(await outcome(running, undefined, { prompt: "login" }), "signed in");
      });

      it("ask a person again whom they remember, when the editor wants it", async () => {
        await running.stop();
        await start({ issuer: { remembersSignIn: true } });
        const browser = createBrowser();
        const pages: number[] = [];
        for (const query of [{}, {}, { prompt: "login" }, { max_age: "0" }]) {
          assert.ok("token" in (await attempt(running, undefined, query, browser)));
          pages.push([...running.issuer.requests.keys()].filter((path) => path.startsWith("/sign-in/")).length);
        }
        assert.deepStrictEqual(pages, [1, 1, 2, 3]);
      });

      it("whose answer fails a check are told apart in the record, and nobody is named there", async () => {
        claim({ aud: "planted-client" });
        await outcome(running);
        claim({ email_verified: false });
        await outcome(running);
        const [failed, unverified] = running.records.filter(({ code }) => code === "forbidden");
        const records = JSON.stringify(running.records);
        assert.deepStrictEqual(
          [
            failed?.cause?.split(" < ")[1],
            unverified?.cause,
            ["planted", "ada@"].filter((text) => records.includes(text)),
          ],
          ["IssuerError: The token failed a check: ERR_JWT_CLAIM_VALIDATION_FAILED (aud).", undefined, []],
        );
      });

      it("take no other wish than these, and each once", async () => {
        const { url } = startParameters(running.url);
        const spoilt = ["&prompt=none", "&prompt=consent", "&max_age=-1", "&max_age=1e3", "&prompt=login&prompt=login"];
        const answers = await Promise.all(
          spoilt.map((query) => call(running.url, "GET", `${url.slice(running.url.length)}${query}`)),
        );
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          spoilt.map(() => 400),
        );
      });
    });
  });
}
