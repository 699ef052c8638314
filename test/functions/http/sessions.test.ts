import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { CreateKeyAnswer } from "../../../functions/contract/keys.ts";
import { SessionsAnswer } from "../../../functions/contract/sessions.ts";
import { codeOf, exchange } from "../../support/attempt.ts";
import { databaseKinds, dump } from "../../support/databases.ts";
import type { Answer, Caller, RunningFunction } from "../../support/function.ts";
import { call, createKit, getCode, startFunction, startParameters } from "../../support/function.ts";
import { createBrowser, signInAs } from "../../support/issuer/browserless.ts";

const hour = 3_600_000;

for (const kind of databaseKinds) {
  describe(`sessions on ${kind.name}`, function () {
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

    async function signInWith(client: string): Promise<Caller> {
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      const answer = await call(running.url, "POST", "/v1/auth/token", {
        body: { code, codeVerifier: verifier },
        headers: { "X-Client": client },
      });
      const token = String(Object(answer.body).sessionToken);
      return {
        token,
        call: (method, path, options = {}) =>
          call(running.url, method, path, {
            ...options,
            headers: { Authorization: `Bearer ${token}`, ...options.headers },
          }),
      };
    }

    async function sessionsOf(caller: Caller): Promise<SessionsAnswer["sessions"]> {
      return SessionsAnswer.parse((await caller.call("GET", "/v1/sessions")).body).sessions;
    }

    it("are listed to their owner, who ends one and goes on with the other", async () => {
      const laptop = await signInWith("openrouter-keys/1.0 vscode/1.140");
      running.advance(hour);
      const desktop = await signInWith("openrouter-keys/1.0 cursor/3");
      const grace = await running.signIn("grace@example.com");
      const listed = await sessionsOf(desktop);
      const other = listed.find(({ current }) => !current);
      const strangers = await grace.call("DELETE", `/v1/sessions/${other?.id}`);
      const ended = await desktop.call("DELETE", `/v1/sessions/${other?.id}`);
      assert.deepStrictEqual(
        {
          listed: listed.map(({ client, current, expiresAt, createdAt }) => ({
            client,
            current,
            days: (Date.parse(expiresAt) - Date.parse(createdAt)) / (24 * hour),
          })),
          fields: Object.keys(Object(listed[0])).toSorted(),
          strangers: codeOf(strangers),
          ended: ended.status,
          again: codeOf(await desktop.call("DELETE", `/v1/sessions/${other?.id}`)),
          odd: codeOf(await desktop.call("DELETE", "/v1/sessions/odd")),
          laptop: codeOf(await laptop.call("GET", "/v1/me")),
          desktop: codeOf(await desktop.call("GET", "/v1/me")),
          left: (await sessionsOf(desktop)).length,
        },
        {
          listed: [
            { client: "openrouter-keys/1.0 cursor/3", current: true, days: 7 },
            { client: "openrouter-keys/1.0 vscode/1.140", current: false, days: 7 },
          ],
          fields: ["client", "createdAt", "current", "expiresAt", "id", "lastUsedAt"],
          strangers: "not_found",
          ended: 204,
          again: "not_found",
          odd: "not_found",
          laptop: "unauthorized",
          desktop: "200",
          left: 1,
        },
      );
    });

    it("are called by an id from which nothing follows, and those that ended by themselves are not listed", async () => {
      const first = await signInWith("first");
      running.advance(73 * hour);
      const second = await signInWith("second");
      const listed = await sessionsOf(second);
      const rows = await dump(kind);
      assert.deepStrictEqual(
        [listed.map(({ client }) => client), rows.includes(first.token), rows.includes(second.token)],
        [["second"], false, false],
      );
    });

    it("list and sign out for 7 days, but make and enable keys for 12 hours", async () => {
      const ada = await running.signIn("ada@example.com");
      const key = await create(ada);
      await ada.call("PATCH", `/v1/keys/${key}`, { body: { disabled: true } });
      running.advance(12 * hour - 60_000);
      const within = codeOf(await ada.call("POST", "/v1/keys", { body: {} }));
      running.advance(3 * 60_000);
      const creates = running.openRouter.requests.filter(({ method }) => method === "POST").length;
      const answers: Answer[] = [];
      for (const [method, path, body] of [
        ["POST", "/v1/keys", { name: "late", recipient: (await createKit()).recipient }],
        ["PATCH", `/v1/keys/${key}`, { disabled: false }],
        ["GET", "/v1/admin/identities", undefined],
        ["PATCH", `/v1/keys/${key}`, { name: "renamed" }],
        ["PATCH", `/v1/keys/${key}`, { disabled: true }],
        ["GET", "/v1/keys", undefined],
        ["DELETE", `/v1/keys/${key}`, undefined],
      ] as const) {
        answers.push(await ada.call(method, path, body === undefined ? {} : { body }));
      }
      assert.deepStrictEqual(
        {
          within,
          answers: answers.map(codeOf),
          says: Object(answers[0]?.body).detail,
          creates: running.openRouter.requests.filter(({ method }) => method === "POST").length - creates,
        },
        {
          within: "invalid_request",
          answers: ["reauth_required", "reauth_required", "reauth_required", "200", "200", "200", "204"],
          says: "You signed in more than 12 hours ago. Sign in again to go on.",
          creates: 0,
        },
      );
    });

    for (const [name, cut, code] of [
      ["a sign-out", "delete from sessions", "unauthorized"],
      ["an offboarding", "update owners set blocked_at = now()", "offboarded"],
    ] as const) {
      it(`end at once with ${name}, also for what is under way`, async () => {
        const ada = await running.signIn("ada@example.com");
        running.openRouter.faults.add({ method: "POST", path: "/keys", fault: { kind: "latency", ms: 1_000 } });
        const kit = await createKit();
        const creating = ada.call("POST", "/v1/keys", {
          body: { name: "laptop", recipient: kit.recipient },
          headers: kit.headers,
        });
        while (!running.openRouter.requests.some(({ method }) => method === "POST")) await nextTurn();
        await kind.query(cut);
        const cutOff = await creating;
        const next = await ada.call("GET", "/v1/me");
        assert.deepStrictEqual(
          [codeOf(cutOff), JSON.stringify(cutOff.body).includes("sealedSecret"), codeOf(next)],
          [code, false, code],
        );
      });
    }

    it("cannot be opened by a leaver, neither with a code from before nor anew", async () => {
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      await kind.query("update owners set blocked_at = now()");
      const { url } = startParameters(running.url);
      const browser = createBrowser();
      const started = await browser.request(url);
      const callback = await signInAs(started.headers.get("Location") ?? "", "ada@example.com", browser);
      const again = await browser.request(callback);
      assert.deepStrictEqual(
        [
          codeOf(await exchange(running, code, verifier)),
          again.status,
          (await again.text()).includes("error=offboarded"),
        ],
        ["offboarded", 403, true],
      );
    });

    it("leave no secret in the database, in a record or in an answer that it is not meant for", async () => {
      const answers: string[] = [];
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      const unused = await getCode(running.url, "ada@example.com");
      const { body } = await exchange(running, code, verifier);
      const token = String(Object(body).sessionToken);
      const headers = { Authorization: `Bearer ${token}` };
      const begun = createBrowser();
      const started = await begun.request(startParameters(running.url).url);
      const cookie = /ork-sign-in=([^;]+)/.exec(started.headers.getSetCookie().join())?.[1] ?? "";
      const kit = await createKit();
      const made = await call(running.url, "POST", "/v1/keys", {
        body: { name: "laptop", recipient: kit.recipient },
        headers: { ...headers, ...kit.headers },
      });
      const secret = await kit.open(CreateKeyAnswer.parse(made.body).sealedSecret ?? "");
      for (const [method, path] of [
        ["GET", "/v1/me"],
        ["GET", "/v1/sessions"],
        ["GET", "/v1/keys"],
        ["GET", "/v1/admin/identities"],
        ["GET", "/v1/nothing"],
        ["POST", "/v1/auth/token"],
        ["GET", "/v1/auth/callback?state=x&code=y"],
      ] as const) {
        const answer = await call(running.url, method, path, { headers });
        answers.push(JSON.stringify([...answer.headers, answer.body]));
      }
      const planted = {
        token,
        code,
        unused: unused.code,
        verifier,
        unusedVerifier: unused.verifier,
        cookie,
        secret,
        clientSecret: running.issuer.clientSecret,
        managementKey: running.openRouter.managementKey,
      };
      const places = {
        database: await dump(kind),
        records: JSON.stringify(running.records),
        answers: answers.join("\n"),
      };
      const leaks = Object.entries(places).flatMap(([place, text]) =>
        Object.entries(planted).flatMap(([name, value]) => (text.includes(value) ? [`${name} in ${place}`] : [])),
      );
      assert.deepStrictEqual(
        [
          leaks,
          /ors_|sk-or-v1-[0-9a-f]{20}/.test(places.database + places.records),
          Object.values(planted).filter((value) => value.length < 20),
        ],
        [[], false, []],
      );
    });

    async function create(caller: Caller): Promise<string> {
      const kit = await createKit();
      const answer = await caller.call("POST", "/v1/keys", {
        body: { name: "laptop", recipient: kit.recipient },
        headers: kit.headers,
      });
      return CreateKeyAnswer.parse(answer.body).key.id;
    }
  });
}
