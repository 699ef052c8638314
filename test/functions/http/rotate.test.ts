import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import type { Key } from "../../../functions/contract/keys.ts";
import { KeysAnswer, RotateKeyAnswer } from "../../../functions/contract/keys.ts";
import { codeOf, create, pick, tryCreate } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Answer, Caller, CreateKit, RunningFunction } from "../../support/function.ts";
import { createKit, startFunction } from "../../support/function.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

for (const kind of databaseKinds) {
  describe(`rotation on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    let ada: Caller;

    async function start(plan: object = {}): Promise<void> {
      stores = await kind.open();
      const environment = { PLANS: JSON.stringify([{ match: "everyone", ...plan }]) };
      running = await startFunction({ stores, environment });
      ada = await running.signIn("ada@example.com");
    }

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    async function rotate(id: string, graceSeconds?: number, kit?: CreateKit): Promise<Answer> {
      const { recipient, headers } = kit ?? (await createKit());
      const body = { recipient, ...(graceSeconds === undefined ? {} : { graceSeconds }) };
      return ada.call("POST", `/v1/keys/${id}/rotate`, { body, headers });
    }

    async function list(): Promise<readonly Key[]> {
      return KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys;
    }

    const limitsUpstream = () => running.openRouter.keys().map((key) => key.limit);

    async function allowance(): Promise<unknown> {
      return pick((await ada.call("GET", "/v1/me")).body, "allowanceUsd", "keysLeft");
    }

    it("makes a successor like the key, which goes on working for an hour and then ends", async () => {
      await start();
      const old = await create(ada, { name: "laptop", limitUsd: 10, expiresAt: inDays(5) });
      const kit = await createKit();
      const answer = await rotate(old.id, undefined, kit);
      const { key, sealedSecret, retiring } = RotateKeyAnswer.parse(answer.body);
      const secret = await kit.open(sealedSecret ?? "");
      const during = (await list()).map(({ id, state }) => [id, state]);
      const [newest] = running.openRouter.keys();
      const graceMs = Date.parse(retiring.at) - Date.parse(key.createdAt);
      running.advance(hour + minute);
      const settled = await running.settleDue();
      assert.deepStrictEqual(
        {
          status: answer.status,
          key: [key.name, key.limitUsd, key.reset, key.state],
          lifetimeDays: (Date.parse(key.expiresAt) - Date.parse(key.createdAt)) / day,
          secretIsThatOfTheKey: createHash("sha256").update(secret).digest("hex") === newest?.hash,
          retiring: [retiring.id, Math.abs(graceMs - hour) < minute],
          during,
          settled: settled.cleared,
          afterwards: (await list()).map(({ id, state }) => [id, state]),
          upstream: running.openRouter.keys().map(({ hash }) => hash === newest?.hash),
          allowance: await allowance(),
        },
        {
          status: 201,
          key: ["laptop", 10, "monthly", "active"],
          lifetimeDays: 90,
          secretIsThatOfTheKey: true,
          retiring: [old.id, true],
          during: [
            [key.id, "active"],
            [old.id, "retiring"],
          ],
          settled: 1,
          afterwards: [[key.id, "active"]],
          upstream: [true],
          allowance: [90, 2],
        },
      );
    });

    it("answers the same successor to the same request, also when asked at once, and refuses another body", async () => {
      await start();
      const old = await create(ada, { name: "laptop" });
      const kit = await createKit();
      const answers = await Promise.all(Array.from({ length: 4 }, () => rotate(old.id, 60, kit)));
      const settled = await rotate(old.id, 60, kit);
      const made = answers.filter(({ status }) => status === 201);
      assert.deepStrictEqual(
        {
          others: answers.filter(({ status }) => status !== 201).every((answer) => codeOf(answer) === "conflict"),
          same: made.every(({ body }) => JSON.stringify(body) === JSON.stringify(settled.body)),
          upstream: running.openRouter.keys().length,
          otherBody: codeOf(await rotate(old.id, 61, kit)),
          otherKey: codeOf(await rotate(old.id, 60)),
        },
        { others: true, same: true, upstream: 2, otherBody: "idempotency_mismatch", otherKey: "conflict" },
      );
    });

    it("ends the old key at once without grace, after a week at most, and never after its own expiry", async () => {
      await start({ maxKeys: 6, budgetUsd: 300 });
      const keys = [
        await create(ada, { name: "at once" }),
        await create(ada, { name: "a week" }),
        await create(ada, { name: "expires first", expiresAt: inDays(1) }),
      ];
      const graces = [0, 7 * 24 * 3_600, 7 * 24 * 3_600];
      const days: number[] = [];
      const begun = Date.now();
      for (const [index, key] of keys.entries()) {
        const { retiring } = RotateKeyAnswer.parse((await rotate(key.id, graces[index])).body);
        days.push(Math.max(0, Math.ceil((Date.parse(retiring.at) - begun) / day - 0.01)));
      }
      const tooLong = await rotate((await create(ada, { name: "other" })).id, 7 * 24 * 3_600 + 1);
      await running.settleDue();
      assert.deepStrictEqual(
        [days, codeOf(tooLong), (await list()).filter(({ state }) => state === "retiring").map(({ name }) => name)],
        [[0, 7, 1], "invalid_request", ["expires first", "a week"]],
      );
    });

    it("rotates at the cap of keys, and counts both keys against the budget while both work", async () => {
      await start({ maxKeys: 1, budgetUsd: 60 });
      const old = await create(ada, { name: "only" });
      const rotated = await rotate(old.id);
      const during = await allowance();
      const another = await tryCreate(ada, { name: "another", limitUsd: 1 });
      assert.deepStrictEqual(
        [rotated.status, during, codeOf(another), limitsUpstream()],
        [201, [10, 0], "key_cap", [25, 25]],
      );
    });

    it("never lets limits pass the budget: where both do not fit, the successor takes what is left of the old", async () => {
      await start({ maxKeys: 2, budgetUsd: 50, maxKeyUsd: 50 });
      const old = await create(ada, { name: "all of it", limitUsd: 50 });
      const [upstream] = running.openRouter.keys();
      running.openRouter.spend(upstream?.hash ?? "", 12.345);
      const { key } = RotateKeyAnswer.parse((await rotate(old.id, 600)).body);
      const during = limitsUpstream();
      running.advance(11 * minute);
      await running.settleDue();
      const afterwards = [limitsUpstream(), (await list()).map(({ limitUsd }) => limitUsd)];
      running.advance(32 * day);
      await running.settleDue();
      assert.deepStrictEqual(
        { made: key.limitUsd, during, afterwards, nextMonth: limitsUpstream() },
        // What the old key has spent counts until the window ends; then the new one gets its full limit.
        { made: 37.65, during: [37.65, 12.35], afterwards: [[37.65], [37.65]], nextMonth: [50] },
      );
    });

    it("gives the old key its limit back when its rotation does not come about", async () => {
      await start({ maxKeys: 2, budgetUsd: 50, maxKeyUsd: 50 });
      const old = await create(ada, { name: "all of it", limitUsd: 50 });
      running.openRouter.faults.add({ method: "POST", path: "/keys", times: 1, fault: { kind: "html", status: 403 } });
      const refused = await rotate(old.id);
      running.advance(2 * minute);
      await running.settleDue();
      assert.deepStrictEqual(
        [codeOf(refused), limitsUpstream(), (await list()).map(({ limitUsd }) => limitUsd)],
        ["upstream_refused", [50], [50]],
      );
    });

    it("refuses to rotate a key that is disabled, has ended, is retiring or is somebody else's", async () => {
      await start({ maxKeys: 4 });
      const grace = await running.signIn("grace@example.com");
      const disabled = await create(ada, { name: "disabled" });
      await ada.call("PATCH", `/v1/keys/${disabled.id}`, { body: { disabled: true } });
      const deleted = await create(ada, { name: "deleted" });
      await ada.call("DELETE", `/v1/keys/${deleted.id}`);
      const retiring = await create(ada, { name: "retiring" });
      await rotate(retiring.id);
      const hers = await create(grace, { name: "hers" });
      running.openRouter.clearRequests();
      assert.deepStrictEqual(
        [
          codeOf(await rotate(disabled.id)),
          codeOf(await rotate(deleted.id)),
          codeOf(await rotate(retiring.id)),
          codeOf(await rotate(hers.id)),
          codeOf(await rotate("00000000-0000-4000-8000-000000000000")),
          running.openRouter.requests.length,
        ],
        ["conflict", "conflict", "conflict", "not_found", "not_found", 0],
      );
    });

    it("counts rotations against the rate of new keys", async () => {
      await start({ createsPerHour: 2, budgetUsd: 1_000 });
      const old = await create(ada, { name: "laptop" });
      const { key } = RotateKeyAnswer.parse((await rotate(old.id)).body);
      const third = await rotate(key.id);
      assert.deepStrictEqual([codeOf(third), third.headers.has("Retry-After")], ["rate_limited", true]);
    });
  });

  describe(`what an ended key has spent, on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    let ada: Caller;

    beforeEach(async () => {
      stores = await kind.open();
      const plan = { match: "everyone", reset: "daily" };
      running = await startFunction({ stores, environment: { PLANS: JSON.stringify([plan]) } });
      ada = await running.signIn("ada@example.com");
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    async function allowance(): Promise<unknown> {
      return Object(Object((await ada.call("GET", "/v1/me")).body)).allowanceUsd;
    }

    it("counts against the budget until the window ends, so that nobody starts from zero by making another", async () => {
      const key = await create(ada, { name: "laptop", limitUsd: 50 });
      running.openRouter.spend(running.openRouter.keys()[0]?.hash ?? "", 49.5);
      await ada.call("DELETE", `/v1/keys/${key.id}`);
      const afterDelete = await allowance();
      const [first, second] = [
        await tryCreate(ada, { name: "again", limitUsd: 50 }),
        await tryCreate(ada, { name: "and again", limitUsd: 1 }),
      ];
      running.advance(day);
      assert.deepStrictEqual(
        [afterDelete, first.status, codeOf(second), await allowance()],
        [50.5, 201, "allowance_spent", 50],
      );
    });

    it("counts also when the key ran out or vanished at OpenRouter", async () => {
      await create(ada, { name: "ran out", limitUsd: 20, expiresAt: new Date(Date.now() + hour).toISOString() });
      running.openRouter.spend(running.openRouter.keys()[0]?.hash ?? "", 15);
      running.advance(2 * hour);
      const afterExpiry = await allowance();
      await create(ada, { name: "vanishes", limitUsd: 20 });
      const upstream = running.openRouter.keys()[0]?.hash ?? "";
      running.openRouter.spend(upstream, 5);
      await ada.call("GET", "/v1/keys");
      await fetch(`${running.openRouter.apiUrl}/keys/${upstream}`, {
        method: "DELETE",
        headers: { Authorization: `Bearer ${running.openRouter.managementKey}` },
      });
      await ada.call("GET", "/v1/keys");
      assert.deepStrictEqual([afterExpiry, await allowance()], [85, 80]);
    });
  });
}

function inDays(days: number): string {
  return new Date(Date.now() + days * day).toISOString();
}
