import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { CreateKeyAnswer, Key, KeysAnswer } from "../../../functions/contract/keys.ts";
import { ProblemAnswer } from "../../../functions/contract/problem.ts";
import { databaseKinds } from "../../support/databases.ts";
import { codeOf, count, create, manage, pick, tryCreate } from "../../support/callers.ts";
import type { Answer, Caller, RunningFunction } from "../../support/function.ts";
import { createKit, startFunction } from "../../support/function.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

for (const kind of databaseKinds) {
  describe(`keys on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    let ada: Caller;

    async function start(environment: Readonly<Record<string, string>> = {}): Promise<void> {
      stores = await kind.open();
      running = await startFunction({ stores, environment });
      ada = await running.signIn("ada@example.com");
    }

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    const plans = (plan: object) => ({ PLANS: JSON.stringify([{ match: "everyone", ...plan }]) });

    const creates = () => running.openRouter.requests.filter((request) => request.method === "POST").length;

    it("makes a key within the plan, hands its secret to the recipient alone, and forgets the sealed copy", async () => {
      await start();
      const kit = await createKit();
      const body = { name: "  laptop 💻 ", recipient: kit.recipient };

      const made = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      const { key, sealedSecret } = CreateKeyAnswer.parse(made.body);
      const secret = await kit.open(sealedSecret ?? "");
      const [upstream] = running.openRouter.keys();
      const again = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      const received = await ada.call("POST", `/v1/keys/${key.id}/received`);
      const after = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });

      assert.deepStrictEqual(
        {
          status: made.status,
          name: key.name,
          state: key.state,
          limitUsd: key.limitUsd,
          reset: key.reset,
          lifetimeDays: (Date.parse(key.expiresAt) - Date.parse(key.createdAt)) / day,
          secretIsThatOfTheKey: createHash("sha256").update(secret).digest("hex") === upstream?.hash,
          upstream: [upstream?.limit, upstream?.limit_reset, Date.parse(upstream?.expires_at ?? "")],
          readableUpstream: upstream?.name.startsWith("laptop 💻 (ada@example.com) [ork-"),
          replay: [again.status, again.body],
          received: received.status,
          afterwards: [after.status, after.body],
          creates: creates(),
          leaks: [made, again, received, after].filter((answer) => leaks(answer, secret, upstream?.hash ?? "")),
        },
        {
          status: 201,
          name: "laptop 💻",
          state: "active",
          limitUsd: 25,
          reset: "monthly",
          lifetimeDays: 90,
          secretIsThatOfTheKey: true,
          upstream: [25, "monthly", Date.parse(key.expiresAt)],
          readableUpstream: true,
          replay: [201, { key, sealedSecret }],
          received: 204,
          afterwards: [201, { key }],
          creates: 1,
          leaks: [],
        },
      );
    });

    it("forgets an unclaimed secret after 24 hours", async () => {
      await start();
      const kit = await createKit();
      const body = { name: "laptop", recipient: kit.recipient };
      const { key } = CreateKeyAnswer.parse((await ada.call("POST", "/v1/keys", { body, headers: kit.headers })).body);
      running.advance(day);
      ada = await running.signIn("ada@example.com");
      const late = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      assert.deepStrictEqual([late.status, late.body], [201, { key }]);
    });

    it("lists own keys with the spend of the window, and nobody else's", async () => {
      await start();
      const grace = await running.signIn("grace@example.com");
      const first = await create(ada, { name: "first", limitUsd: 10 });
      const second = await create(ada, { name: "second", limitUsd: 20 });
      await create(grace, { name: "hers" });
      const upstream = running.openRouter.keys().find((key) => key.name.startsWith("first"));
      running.openRouter.spend(upstream?.hash ?? "", 2.5);

      const list = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body);
      const { resetsAt, ...spend } = list.keys.find((key) => key.id === first.id)?.spend ?? {};
      assert.deepStrictEqual(
        {
          names: list.keys.map((key) => key.name),
          spend,
          resetsNextMonth: resetsAt?.endsWith("-01T00:00:00.000Z"),
          unspent: list.keys.find((key) => key.id === second.id)?.spend?.remainingUsd,
          complete: list.spendComplete,
          calls: running.openRouter.requests.filter(
            (request) => request.path.endsWith("/keys") && request.method === "GET",
          ).length,
        },
        {
          names: ["second", "first"],
          spend: { windowUsd: 2.5, remainingUsd: 7.5, dayUsd: 2.5, weekUsd: 2.5, monthUsd: 2.5 },
          resetsNextMonth: true,
          unspent: 20,
          complete: true,
          calls: 0,
        },
      );
    });

    it("shows the keys without spend while OpenRouter cannot be asked", async () => {
      await start();
      await create(ada, { name: "laptop" });
      running.openRouter.faults.add({
        method: "GET",
        path: "/keys/*",
        fault: { kind: "status", status: 500, when: "before" },
      });
      const list = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body);
      assert.deepStrictEqual(
        [list.spendComplete, list.keys.map((key) => [key.name, key.state, key.spend])],
        [false, [["laptop", "active", null]]],
      );
    });

    it("shows a key that vanished at OpenRouter as gone and gives its allowance back", async () => {
      await start();
      const key = await create(ada, { name: "laptop" });
      await deleteUpstream(running);
      const list = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body);
      const me = await ada.call("GET", "/v1/me");
      const deleted = await ada.call("DELETE", `/v1/keys/${key.id}`);
      const rest = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body);
      assert.deepStrictEqual(
        [list.keys.map((each) => each.state), pick(me.body, "allowanceUsd", "keysLeft"), deleted.status, rest.keys],
        [["gone"], [100, 3], 204, []],
      );
    });

    it("shows an expired key as expired and gives its allowance back", async () => {
      await start();
      await create(ada, { name: "laptop", expiresAt: new Date(Date.now() + 60 * minute).toISOString() });
      running.advance(61 * minute);
      const list = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body);
      assert.deepStrictEqual(
        [list.keys.map((key) => key.state), pick((await ada.call("GET", "/v1/me")).body, "allowanceUsd", "keysLeft")],
        [["expired"], [100, 3]],
      );
    });

    it("disables, enables and renames a key at OpenRouter and here", async () => {
      await start();
      const { id } = await create(ada, { name: "laptop" });
      const disabled = Key.parse((await ada.call("PATCH", `/v1/keys/${id}`, { body: { disabled: true } })).body);
      const wasDisabled = running.openRouter.keys()[0]?.disabled;
      const enabled = Key.parse(
        (await ada.call("PATCH", `/v1/keys/${id}`, { body: { disabled: false, name: "desk" } })).body,
      );
      const [upstream] = running.openRouter.keys();
      assert.deepStrictEqual(
        [disabled.state, wasDisabled, enabled.state, enabled.name, upstream?.disabled, upstream?.name.split(" [")[0]],
        ["disabled", true, "active", "desk", false, "desk (ada@example.com)"],
      );
    });

    it("deletes a key upstream first, and says 204 however often and whoever deleted it", async () => {
      await start();
      const { id } = await create(ada, { name: "laptop" });
      const first = await ada.call("DELETE", `/v1/keys/${id}`);
      const again = await ada.call("DELETE", `/v1/keys/${id}`);
      const other = await create(ada, { name: "desk" });
      await deleteUpstream(running);
      const vanished = await ada.call("DELETE", `/v1/keys/${other.id}`);
      assert.deepStrictEqual(
        [
          first.status,
          again.status,
          vanished.status,
          running.openRouter.keys().length,
          KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys,
        ],
        [204, 204, 204, 0, []],
      );
    });

    it("keeps somebody else's key out of reach, as if it did not exist", async () => {
      await start();
      const grace = await running.signIn("grace@example.com");
      const { id } = await create(ada, { name: "laptop" });
      running.openRouter.clearRequests();
      const foreign = await Promise.all(attempts(grace, id));
      const unknown = await Promise.all(attempts(grace, "00000000-0000-4000-8000-000000000000"));
      assert.deepStrictEqual(
        [foreign.map(withoutRequestId), foreign.map((answer) => answer.status), running.openRouter.requests.length],
        [unknown.map(withoutRequestId), [404, 404, 404], 0],
      );
    });

    it("never gives out more keys than the plan's cap, however many are asked for at once", async () => {
      await start(plans({ maxKeys: 3, budgetUsd: 1000, createsPerHour: 1000 }));
      const answers = await Promise.all(Array.from({ length: 20 }, () => tryCreate(ada, { name: "many" })));
      assert.deepStrictEqual(
        [
          count(answers),
          running.openRouter.keys().length,
          KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys.length,
        ],
        [{ "201": 3, key_cap: 17 }, 3, 3],
      );
    });

    it("never lets the limits of live keys pass the budget, and returns what a deleted key had", async () => {
      await start(plans({ maxKeys: 10, budgetUsd: 60, createsPerHour: 1000 }));
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => tryCreate(ada, { name: "many", limitUsd: 25 })),
      );
      const limits = running.openRouter.keys().reduce((sum, key) => sum + (key.limit ?? Number.POSITIVE_INFINITY), 0);
      const rest = await tryCreate(ada, { name: "rest", limitUsd: 10 });
      const [first] = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys;
      await ada.call("DELETE", `/v1/keys/${first?.id ?? ""}`);
      assert.deepStrictEqual(
        [count(answers), limits, rest.status, pick((await ada.call("GET", "/v1/me")).body, "allowanceUsd")],
        [{ "201": 2, allowance_spent: 4 }, 50, 201, [first?.limitUsd]],
      );
    });

    it("cuts nothing when a plan is lowered: shows by how much, and refuses new keys until there is room", async () => {
      await start(plans({ budgetUsd: 100, maxKeyUsd: 50 }));
      await create(ada, { name: "laptop", limitUsd: 50 });
      const desk = await create(ada, { name: "desk", limitUsd: 30 });
      const lowered = await startFunction({
        stores,
        environment: plans({ budgetUsd: 60, maxKeys: 5, maxKeyUsd: 20, defaultKeyUsd: 10 }),
        openRouter: running.openRouter,
      });
      const caller = lowered.as(ada);
      const me = pick((await caller.call("GET", "/v1/me")).body, "allowanceUsd", "overAllowanceUsd", "keysLeft");
      const refused = await tryCreate(caller, { name: "new" });
      const limits = running.openRouter.keys().map(({ limit }) => limit);
      await caller.call("DELETE", `/v1/keys/${desk.id}`);
      const made = await tryCreate(caller, { name: "new" });
      await lowered.stop();
      assert.deepStrictEqual(
        [me, codeOf(refused), limits, made.status],
        [[0, 20, 3], "allowance_spent", [30, 50], 201],
      );
    });

    it("refuses what is above the plan, with a sentence and without a call to OpenRouter", async () => {
      await start(plans({ maxKeyUsd: 50, maxLifetimeDays: 30, createsPerHour: 2 }));
      const answers = [
        await tryCreate(ada, { name: "big", limitUsd: 50.01 }),
        await tryCreate(ada, { name: "long", expiresAt: new Date(Date.now() + 31 * day).toISOString() }),
        await tryCreate(ada, { name: "past", expiresAt: new Date(Date.now() - minute).toISOString() }),
      ];
      const callsSoFar = creates();
      const within = [await tryCreate(ada, { name: "one" }), await tryCreate(ada, { name: "two" })];
      const tooSoon = await tryCreate(ada, { name: "three" });
      assert.deepStrictEqual(
        [
          answers.map(codeOf),
          callsSoFar,
          within.map((answer) => answer.status),
          codeOf(tooSoon),
          Number(tooSoon.headers.get("Retry-After")) > 3_500,
        ],
        [["above_plan", "above_plan", "above_plan"], 0, [201, 201], "rate_limited", true],
      );
    });

    it("answers the same key to the same request four times at once", async () => {
      await start();
      const kit = await createKit();
      const body = { name: "laptop", recipient: kit.recipient };
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => ada.call("POST", "/v1/keys", { body, headers: kit.headers })),
      );
      const settled = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      const made = answers.filter((answer) => answer.status === 201);
      assert.deepStrictEqual(
        {
          statuses: answers.every((answer) => answer.status === 201 || codeOf(answer) === "conflict"),
          same: made.every((answer) => JSON.stringify(answer.body) === JSON.stringify(settled.body)),
          some: made.length > 0,
          creates: creates(),
        },
        { statuses: true, same: true, some: true, creates: 1 },
      );
    });

    it("refuses an idempotency key that was used for another request", async () => {
      await start();
      const kit = await createKit();
      await ada.call("POST", "/v1/keys", { body: { name: "laptop", recipient: kit.recipient }, headers: kit.headers });
      const other = await ada.call("POST", "/v1/keys", {
        body: { name: "desk", recipient: kit.recipient },
        headers: kit.headers,
      });
      assert.deepStrictEqual([other.status, codeOf(other), creates()], [422, "idempotency_mismatch", 1]);
    });

    const badBodies: Readonly<Record<string, (body: Record<string, unknown>) => unknown>> = {
      "an empty name": (body) => ({ ...body, name: "" }),
      "a name of blanks": (body) => ({ ...body, name: "   " }),
      "a name of 300 characters": (body) => ({ ...body, name: "x".repeat(300) }),
      "a name of 10,000 characters": (body) => ({ ...body, name: "x".repeat(10_000) }),
      "a line break in the name": (body) => ({ ...body, name: "a\nb" }),
      "an override character in the name": (body) => ({ ...body, name: "a\u202eb" }),
      "no recipient": ({ recipient: _, ...body }) => body,
      "a recipient with its private part": (body) => ({
        ...body,
        recipient: { ...Object(body["recipient"]), d: "x".repeat(43) },
      }),
      "a recipient that is no point of its curve": (body) => ({
        ...body,
        recipient: { ...Object(body["recipient"]), x: "A".repeat(43) },
      }),
      "a limit of nothing": (body) => ({ ...body, limitUsd: 0 }),
      "a limit below nothing": (body) => ({ ...body, limitUsd: -1 }),
      "a limit of half a cent": (body) => ({ ...body, limitUsd: 0.005 }),
      "a limit as text": (body) => ({ ...body, limitUsd: "25" }),
      "another's owner": (body) => ({ ...body, owner: "grace@example.com" }),
      "OpenRouter's own limit": (body) => ({ ...body, limit: 10_000 }),
      "a claim to be admin": (body) => ({ ...body, isAdmin: true }),
      "a list": () => [],
      "no JSON": () => "{",
    };
    it("refuses every bad body with a sentence and without a call to OpenRouter", async () => {
      await start();
      const answers: Record<string, unknown> = {};
      for (const [name, spoil] of Object.entries(badBodies)) {
        const kit = await createKit();
        const answer = await ada.call("POST", "/v1/keys", {
          body: spoil({ name: "laptop", recipient: kit.recipient }),
          headers: kit.headers,
        });
        answers[name] = [codeOf(answer), /[a-z].*\.$/i.test(ProblemAnswer.parse(answer.body).detail)];
      }
      const kit = await createKit();
      const large = await ada.call("POST", "/v1/keys", {
        body: { name: "x".repeat(17_000), recipient: kit.recipient },
        headers: kit.headers,
      });
      const withoutKey = await ada.call("POST", "/v1/keys", { body: { name: "laptop", recipient: kit.recipient } });
      assert.deepStrictEqual(
        [answers, [large.status, codeOf(large)], codeOf(withoutKey), running.openRouter.requests.length],
        [
          Object.fromEntries(Object.keys(badBodies).map((name) => [name, ["invalid_request", true]])),
          [413, "too_large"],
          "invalid_request",
          0,
        ],
      );
    });

    const lost = {
      "502 after the key was made": { kind: "status", status: 502, when: "after" },
      "502 before the key was made": { kind: "status", status: 502, when: "before" },
      "the connection broke after the key was made": { kind: "drop", when: "after" },
      "the connection broke before the key was made": { kind: "drop", when: "before" },
      "half of an answer": { kind: "truncated" },
      "a web page after the key was made": { kind: "html", status: 200, when: "after" },
      "JSON that makes no sense": { kind: "odd-json" },
      "a redirect": { kind: "redirect", status: 307, location: "https://elsewhere.example/" },
    } as const;
    for (const [name, fault] of Object.entries(lost)) {
      it(`ends with exactly one key after ${name}`, async () => {
        await start();
        const kit = await createKit();
        const body = { name: "laptop", recipient: kit.recipient };
        running.openRouter.faults.add({ method: "POST", path: "/keys", times: 1, fault });
        const first = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        const leftBehind = running.openRouter.keys().length;
        const second = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        const secret = await kit.open(CreateKeyAnswer.parse(second.body).sealedSecret ?? "");
        assert.deepStrictEqual(
          {
            first: [first.status, codeOf(first), first.headers.get("Retry-After") !== null],
            leftBehind,
            second: second.status,
            live: running.openRouter.keys().map((key) => key.hash),
            listed: KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys.length,
          },
          {
            first: [503, "upstream_unavailable", true],
            leftBehind: 0,
            second: 201,
            live: [createHash("sha256").update(secret).digest("hex")],
            listed: 1,
          },
        );
      });
    }

    it("cleans up before it makes another key when it could not do so at once", async () => {
      await start();
      const kit = await createKit();
      const body = { name: "laptop", recipient: kit.recipient };
      running.openRouter.faults.add({
        method: "POST",
        path: "/keys",
        times: 1,
        fault: { kind: "drop", when: "after" },
      });
      running.openRouter.faults.add({
        method: "GET",
        path: "/keys",
        times: 3,
        fault: { kind: "status", status: 503, when: "before" },
      });
      const first = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      const orphans = running.openRouter.keys().length;
      const second = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      assert.deepStrictEqual(
        [first.status, orphans, second.status, running.openRouter.keys().length],
        [503, 1, 201, 1],
      );
    });

    it("sweeps away what a lost create left when nobody asks again", async () => {
      await start();
      const kit = await createKit();
      running.openRouter.faults.add({
        method: "POST",
        path: "/keys",
        times: 1,
        fault: { kind: "drop", when: "after" },
      });
      running.openRouter.faults.add({
        method: "GET",
        path: "/keys",
        times: 3,
        fault: { kind: "status", status: 503, when: "before" },
      });
      await ada.call("POST", "/v1/keys", { body: { name: "laptop", recipient: kit.recipient }, headers: kit.headers });
      await makeByHand(running, "made by hand [ork-nonsense]");
      const swept = [(await running.settleDue()).swept, (await running.settleDue()).swept];
      assert.deepStrictEqual(
        [
          swept,
          running.openRouter.keys().map((key) => key.name),
          pick((await ada.call("GET", "/v1/me")).body, "allowanceUsd", "keysLeft"),
        ],
        [[1, 0], ["made by hand [ork-nonsense]"], [100, 3]],
      );
    });

    const refusals = {
      upstream_busy: { kind: "rate-limit", retryAfter: 7 },
      upstream_refused: { kind: "html", status: 403 },
    } as const;
    for (const [code, fault] of Object.entries(refusals)) {
      it(`says ${code} when OpenRouter will not make a key, and makes it when asked again later`, async () => {
        await start();
        const kit = await createKit();
        const body = { name: "laptop", recipient: kit.recipient };
        running.openRouter.faults.add({ method: "POST", path: "/keys", times: 1, fault });
        const first = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        const second = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        assert.deepStrictEqual(
          [codeOf(first), first.headers.get("Retry-After"), second.status, running.openRouter.keys().length],
          [code, code === "upstream_busy" ? "7" : null, 201, 1],
        );
      });
    }
  });
}

function attempts(caller: Caller, id: string): Promise<Answer>[] {
  return [
    caller.call("PATCH", `/v1/keys/${id}`, { body: { disabled: true } }),
    caller.call("DELETE", `/v1/keys/${id}`),
    caller.call("POST", `/v1/keys/${id}/received`),
  ];
}

function withoutRequestId(answer: Answer): unknown {
  return { ...Object(answer.body), requestId: undefined };
}

function leaks(answer: Answer, ...secrets: readonly string[]): boolean {
  const text = JSON.stringify([answer.body, [...answer.headers]]);
  return secrets.some((secret) => text.includes(secret));
}

async function deleteUpstream(running: RunningFunction): Promise<void> {
  for (const { hash } of running.openRouter.keys()) await manage(running, "DELETE", `/keys/${hash}`);
}

async function makeByHand(running: RunningFunction, name: string): Promise<void> {
  await manage(running, "POST", "/keys", { name });
}
