import assert from "node:assert/strict";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { AdminRaise, AdminRaisesAnswer } from "../../../functions/contract/admin.ts";
import { KeysAnswer } from "../../../functions/contract/keys.ts";
import { Raise, RaisesAnswer } from "../../../functions/contract/raises.ts";
import { codeOf, create, pick } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Answer, Caller, RunningFunction } from "../../support/function.ts";
import { createKit, startFunction } from "../../support/function.ts";

const hour = 3_600_000;

for (const kind of databaseKinds) {
  describe(`raises on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    /** The administrator. */
    let ada: Caller;
    let grace: Caller;

    beforeEach(async () => {
      stores = await kind.open();
      running = await startFunction({ stores });
      ada = await running.signIn("ada@example.com");
      grace = await running.signIn("grace@example.com");
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    async function ask(caller: Caller, keyId: string, limitUsd: number, hours = 24): Promise<Answer> {
      const until = new Date(Date.now() + hours * hour).toISOString();
      return caller.call("POST", "/v1/raises", { body: { keyId, limitUsd, until, reason: "A long experiment" } });
    }

    async function decide(caller: Caller, id: string, decision = "approve", note?: string): Promise<Answer> {
      return caller.call("POST", `/v1/admin/raises/${id}`, {
        body: { decision, ...(note === undefined ? {} : { note }) },
      });
    }

    const limitUpstream = () => running.openRouter.keys()[0]?.limit;

    async function limitHere(caller: Caller): Promise<unknown> {
      return KeysAnswer.parse((await caller.call("GET", "/v1/keys")).body).keys[0]?.limitUsd;
    }

    it("passes the plan's ceiling for a key when somebody else approves, and ends by itself", async () => {
      const key = await create(grace, { name: "laptop" });
      const asked = await ask(grace, key.id, 80);
      const raise = Raise.parse(asked.body);
      const before = limitUpstream();
      const waiting = AdminRaisesAnswer.parse((await ada.call("GET", "/v1/admin/raises")).body).raises;
      const decided = AdminRaise.parse((await decide(ada, raise.id, "approve", "Good luck")).body);
      const during = [
        limitUpstream(),
        await limitHere(grace),
        pick((await grace.call("GET", "/v1/me")).body, "allowanceUsd"),
      ];
      running.advance(24 * hour + 1);
      const settled = await running.settleDue();
      assert.deepStrictEqual(
        {
          asked: [asked.status, raise.state, raise.keyName, raise.limitUsd],
          before,
          waiting: waiting.map(({ owner, state }) => [owner.label, state]),
          decided: [decided.state, decided.note, decided.decidedAt !== undefined],
          during,
          settled: [settled.endedRaises, settled.fittedLimits],
          afterwards: [limitUpstream(), await limitHere(grace)],
          told: RaisesAnswer.parse((await grace.call("GET", "/v1/raises")).body).raises.map(({ state, note }) => [
            state,
            note,
          ]),
          hers: RaisesAnswer.parse((await ada.call("GET", "/v1/raises")).body).raises,
        },
        {
          asked: [201, "waiting", "laptop", 80],
          before: 25,
          waiting: [["grace@example.com", "waiting"]],
          decided: ["approved", "Good luck", true],
          during: [80, 80, [20]],
          settled: [1, 1],
          afterwards: [25, 25],
          told: [["ended", "Good luck"]],
          hers: [],
        },
      );
    });

    it("is decided by administrators only, never about oneself, and once", async () => {
      const hers = Raise.parse((await ask(grace, (await create(grace, { name: "hers" })).id, 30)).body);
      const own = Raise.parse((await ask(ada, (await create(ada, { name: "own" })).id, 30)).body);
      assert.deepStrictEqual(
        [
          codeOf(await decide(grace, own.id)),
          codeOf(await decide(ada, own.id)),
          codeOf(await decide(ada, "00000000-0000-4000-8000-000000000000")),
          codeOf(await decide(ada, hers.id, "refuse")),
          codeOf(await decide(ada, hers.id, "refuse")),
          codeOf(await decide(ada, hers.id, "approve")),
          limitUpstream(),
        ],
        ["forbidden", "forbidden", "not_found", "200", "200", "conflict", 25],
      );
    });

    it("tells administrators at any time how many of others wait, and nobody else anything", async () => {
      const first = Raise.parse((await ask(grace, (await create(grace, { name: "first" })).id, 30)).body);
      const second = Raise.parse((await ask(grace, (await create(grace, { name: "second" })).id, 30)).body);
      await ask(ada, (await create(ada, { name: "own" })).id, 30);
      const waitingFor = async (caller: Caller) => pick((await caller.call("GET", "/v1/me")).body, "waitingRaises")[0];
      const seen = [await waitingFor(ada), await waitingFor(grace)];
      await decide(ada, second.id, "refuse");
      seen.push(await waitingFor(ada));
      const listed = AdminRaisesAnswer.parse((await ada.call("GET", "/v1/admin/raises?state=waiting")).body).raises;
      await decide(ada, first.id, "refuse");
      assert.deepStrictEqual(
        [seen, listed.map(({ keyName }) => keyName), await waitingFor(ada)],
        [
          [{ newestAt: second.createdAt, count: 2 }, undefined, { newestAt: first.createdAt, count: 1 }],
          ["own", "first"],
          undefined,
        ],
      );
    });

    it("refuses what makes no sense or does not fit into the budget, with a sentence", async () => {
      const key = await create(grace, { name: "laptop" });
      const other = await create(ada, { name: "other" });
      const answers = [
        await ask(grace, key.id, 25),
        await ask(grace, key.id, 30, -1),
        await ask(grace, key.id, 30, 24 * 200),
        await ask(grace, key.id, 100.01),
        await ask(grace, other.id, 30),
        await ask(grace, "not-an-id", 30),
      ];
      const open = [await ask(grace, key.id, 30), await ask(grace, key.id, 40)];
      assert.deepStrictEqual(
        [answers.map(codeOf), open.map(codeOf)],
        [
          ["invalid_request", "invalid_request", "invalid_request", "allowance_spent", "not_found", "invalid_request"],
          ["201", "conflict"],
        ],
      );
    });

    it("is not approved when the budget has been given to other keys meanwhile", async () => {
      const raise = Raise.parse((await ask(grace, (await create(grace, { name: "laptop" })).id, 80)).body);
      await create(grace, { name: "desk", limitUsd: 50 });
      const refused = await decide(ada, raise.id);
      assert.deepStrictEqual(
        [codeOf(refused), running.openRouter.keys().map(({ limit }) => limit)],
        ["allowance_spent", [50, 25]],
      );
    });

    it("stands when OpenRouter is away, and comes into force when it is back", async () => {
      const raise = Raise.parse((await ask(grace, (await create(grace, { name: "laptop" })).id, 80)).body);
      const fault = { kind: "status", status: 503, when: "before" } as const;
      running.openRouter.faults.add({ method: "PATCH", path: "/keys/*", fault });
      const decided = await decide(ada, raise.id);
      const meanwhile = [limitUpstream(), pick((await grace.call("GET", "/v1/me")).body, "allowanceUsd")];
      running.openRouter.faults.clear();
      running.advance(2 * 60_000);
      await running.settleDue();
      assert.deepStrictEqual(
        [codeOf(decided), meanwhile, limitUpstream(), codeOf(await decide(ada, raise.id))],
        ["upstream_unavailable", [25, [20]], 80, "200"],
      );
    });

    it("goes over to the successor of a key that is rotated", async () => {
      const key = await create(grace, { name: "laptop" });
      const raise = Raise.parse((await ask(grace, key.id, 40)).body);
      await decide(ada, raise.id);
      const kit = await createKit();
      await grace.call("POST", `/v1/keys/${key.id}/rotate`, {
        body: { recipient: kit.recipient, graceSeconds: 0 },
        headers: kit.headers,
      });
      await running.settleDue();
      const during = limitUpstream();
      running.advance(24 * hour + 1);
      await running.settleDue();
      assert.deepStrictEqual([during, limitUpstream()], [40, 25]);
    });

    it("ends with its key", async () => {
      const key = await create(grace, { name: "laptop" });
      await ask(grace, key.id, 40);
      await grace.call("DELETE", `/v1/keys/${key.id}`);
      const [raise] = RaisesAnswer.parse((await grace.call("GET", "/v1/raises")).body).raises;
      assert.deepStrictEqual([raise?.state, codeOf(await decide(ada, raise?.id ?? ""))], ["ended", "conflict"]);
    });
  });
}
