import assert from "node:assert/strict";

import type { JWTPayload } from "jose";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { TokenAnswer } from "../../../functions/contract/account.ts";
import { codeOf } from "../../support/attempt.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Answer, RunningFunction } from "../../support/function.ts";
import { call, startFunction } from "../../support/function.ts";
import type { Microsoft } from "../../support/microsoft.ts";
import { apiAudience, startMicrosoft, tenantId } from "../../support/microsoft.ts";

const hour = 3_600_000;

for (const kind of databaseKinds) {
  describe(`the editor's Microsoft account on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let microsoft: Microsoft;
    let running: RunningFunction;
    let now: number;

    beforeEach(async () => {
      stores = await kind.open();
      microsoft = await startMicrosoft();
      now = Date.now();
      running = await startFunction({
        stores,
        environment: {
          ENTRA_TENANT_ID: tenantId,
          ENTRA_API_AUDIENCE: apiAudience,
          ENTRA_LOGIN_URL: microsoft.url,
        },
      });
    });

    afterEach(async () => {
      await running.stop();
      await microsoft.stop();
      await stores.close();
    });

    async function post(accessToken: string): Promise<Answer> {
      return call(running.url, "POST", "/v1/auth/entra", { body: { accessToken } });
    }

    it("is traded for the same kind of session, once a token", async () => {
      const token = await microsoft.accessToken(now);
      const first = await post(token);
      const { sessionToken, account } = TokenAnswer.parse(first.body);
      const me = await call(running.url, "GET", "/v1/me", { headers: { Authorization: `Bearer ${sessionToken}` } });
      // The last character of a signature has bits to spare: the same token in other letters.
      const last = token.at(-1) ?? "";
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const twin = `${token.slice(0, -1)}${alphabet[alphabet.indexOf(last) + 1] ?? "_"}`;
      assert.deepStrictEqual(
        [first.status, account.label, me.status, codeOf(await post(token)), codeOf(await post(twin))],
        [200, "ada@example.com", 200, "unauthorized", "unauthorized"],
      );
    });

    it("is traded once also when it comes twice at the same moment", async () => {
      const token = await microsoft.accessToken(now);
      const answers = await Promise.all([post(token), post(token), post(token)]);
      assert.deepStrictEqual(answers.map(({ status }) => status).toSorted(), [200, 401, 401]);
    });

    const refused: Readonly<Record<string, readonly [JWTPayload, string]>> = {
      "a token for Graph": [{ aud: "00000003-0000-0000-c000-000000000000" }, "unauthorized"],
      "another tenant's": [{ tid: "22222222-2222-4333-8444-555555555555" }, "unauthorized"],
      "a program's": [{ scp: undefined, roles: ["access"], idtyp: "app" }, "unauthorized"],
      "another client's": [{ azp: "44444444-2222-4333-8444-555555555555" }, "unauthorized"],
      "a guest": [{ acct: 1 }, "forbidden"],
      "an e-mail that nobody verified": [{ xms_edov: false }, "forbidden"],
      "an e-mail of which nothing is said": [{ xms_edov: undefined }, "forbidden"],
      "a name in place of an e-mail": [{ email: undefined, preferred_username: "ada@example.com" }, "forbidden"],
      "an address of elsewhere": [{ email: "ada@elsewhere.example" }, "forbidden"],
    };
    for (const [name, [changes, expected]] of Object.entries(refused)) {
      it(`is refused with ${name}`, async () => {
        assert.equal(codeOf(await post(await microsoft.accessToken(now, changes))), expected);
      });
    }

    it("may list keys but make none when Entra does not say when the person signed in", async () => {
      const answer = await post(await microsoft.accessToken(now, { auth_time: undefined }));
      const headers = { Authorization: `Bearer ${TokenAnswer.parse(answer.body).sessionToken}` };
      assert.deepStrictEqual(
        [
          codeOf(await call(running.url, "GET", "/v1/keys", { headers })),
          codeOf(await call(running.url, "POST", "/v1/keys", { headers, body: {} })),
        ],
        ["200", "reauth_required"],
      );
    });

    it("costs Microsoft one request for its keys, however many made-up ids come", async () => {
      await post(await microsoft.accessToken(now));
      const asked = microsoft.requests.length;
      const claims = { iss: "x" };
      const tokens = await Promise.all(
        Array.from({ length: 200 }, (_, index) => microsoft.smith.sign(claims, { kid: `made-up-${index}` })),
      );
      const codes = new Set<string>();
      for (const token of tokens) codes.add(codeOf(await post(token)));
      assert.deepStrictEqual([[...codes], microsoft.requests.length], [["unauthorized"], asked]);
    });

    it("goes on working for a day while Microsoft's keys cannot be had, and then is nobody's fault", async () => {
      await post(await microsoft.accessToken(now));
      microsoft.setBroken(true);
      running.advance(23 * hour);
      const within = await post(await microsoft.accessToken(now + 23 * hour));
      running.advance(2 * hour);
      const later = await post(await microsoft.accessToken(now + 25 * hour));
      assert.deepStrictEqual([codeOf(within), codeOf(later)], ["200", "upstream_unavailable"]);
    });

    it("takes nothing but a token", async () => {
      const bodies = [{}, { accessToken: "x" }, { accessToken: "a.b.c", email: "ada@example.com" }, { accessToken: 1 }];
      const answers = await Promise.all(bodies.map((body) => call(running.url, "POST", "/v1/auth/entra", { body })));
      assert.deepStrictEqual(
        answers.map(codeOf),
        bodies.map(() => "invalid_request"),
      );
    });

    it("says to anybody what a token has to be for, and nothing else", async () => {
      const answer = await call(running.url, "GET", "/v1/auth/entra");
      assert.deepStrictEqual([answer.status, answer.body], [200, { tenantId, audience: apiAudience }]);
    });

    it("has no route where it is not set up", async () => {
      await running.stop();
      running = await startFunction({ stores });
      assert.deepStrictEqual(
        [
          codeOf(await post(await microsoft.accessToken(now))),
          codeOf(await call(running.url, "GET", "/v1/auth/entra")),
        ],
        ["not_found", "not_found"],
      );
    });
  });
}
