import assert from "node:assert/strict";

import { AdminKeysAnswer, AuditAnswer } from "../../../functions/contract/admin.ts";
import type { AdminKey, AuditRecord } from "../../../functions/contract/admin.ts";
import { Key, KeysAnswer } from "../../../functions/contract/keys.ts";
import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { codeOf, create, manage } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Caller, RunningFunction } from "../../support/function.ts";
import { startFunction } from "../../support/function.ts";

for (const kind of databaseKinds) {
  describe(`administrators on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    /** The administrator. */
    let ada: Caller;
    let grace: Caller;

    beforeEach(async () => {
      stores = await kind.open();
      running = await startFunction({
        stores,
        environment: { PLANS: JSON.stringify([{ match: "everyone", maxKeys: 9, budgetUsd: 900, createsPerHour: 90 }]) },
      });
      ada = await running.signIn("ada@example.com");
      grace = await running.signIn("grace@example.com");
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    async function page(query = ""): Promise<AdminKeysAnswer> {
      const answer = await ada.call("GET", `/v1/admin/keys${query}`);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return AdminKeysAnswer.parse(answer.body);
    }

    async function allPages(query: string): Promise<readonly AdminKeysAnswer[]> {
      const pages = [await page(query)];
      for (let cursor = pages[0]?.nextCursor; typeof cursor === "string"; cursor = pages.at(-1)?.nextCursor) {
        pages.push(await page(`${query}&cursor=${encodeURIComponent(cursor)}`));
      }
      return pages;
    }

    async function record(): Promise<readonly AuditRecord[]> {
      return AuditAnswer.parse((await ada.call("GET", "/v1/admin/audit?limit=200")).body).entries;
    }

    it("see every key with its owner and spend; others are told that they may not", async () => {
      const key = await create(grace, { name: "laptop" });
      running.openRouter.spend(running.openRouter.keys()[0]?.hash ?? "", 2.5);
      const found = await page();
      const refused = await Promise.all([
        grace.call("GET", "/v1/admin/keys"),
        grace.call("GET", "/v1/admin/keys.csv"),
        grace.call("GET", "/v1/admin/audit"),
        grace.call("GET", "/v1/admin/raises"),
        grace.call("DELETE", `/v1/admin/keys/${key.id}`),
        grace.call("PATCH", `/v1/admin/keys/${key.id}`, { body: { disabled: true } }),
      ]);
      const text = JSON.stringify(found);
      assert.deepStrictEqual(
        {
          keys: found.keys.map(({ id, name, owner, spend, state }) => [id, name, owner.label, spend?.windowUsd, state]),
          total: found.total,
          complete: found.spendComplete,
          isFresh: found.spendAsOf !== null,
          refused: refused.map(codeOf),
          internals: running.openRouter.keys().filter(({ hash }) => text.includes(hash)),
          upstream: running.openRouter.keys().length,
        },
        {
          keys: [[key.id, "laptop", "grace@example.com", 2.5, "active"]],
          total: 1,
          complete: true,
          isFresh: true,
          refused: Array.from({ length: 6 }, () => "forbidden"),
          internals: [],
          upstream: 1,
        },
      );
    });

    it("page through all keys without jumping, while keys come and go", async () => {
      for (let number = 0; number < 7; number += 1)
        await create(number % 2 === 0 ? ada : grace, { name: `key ${number}` });
      const first = await page("?limit=3");
      await create(grace, { name: "new" });
      const [newest] = first.keys;
      await ada.call("DELETE", `/v1/admin/keys/${newest?.id ?? ""}`);
      const second = await page(`?limit=3&cursor=${first.nextCursor ?? ""}`);
      const third = await page(`?limit=3&cursor=${second.nextCursor ?? ""}`);
      const names = (keys: readonly AdminKey[]) => keys.map(({ name }) => name);
      assert.deepStrictEqual(
        [names(first.keys), names(second.keys), names(third.keys), third.nextCursor, first.total, second.total],
        [["key 6", "key 5", "key 4"], ["key 3", "key 2", "key 1"], ["key 0"], null, 7, 7],
      );
    });

    it("search by owner and name and filter by state, with the right total", async () => {
      const laptop = await create(grace, { name: "Laptop 100%" });
      const desk = await create(grace, { name: "desk" });
      await create(ada, { name: "laptop" });
      await ada.call("PATCH", `/v1/admin/keys/${desk.id}`, { body: { disabled: true } });
      await grace.call("DELETE", `/v1/keys/${laptop.id}`);
      const gone = await create(grace, { name: "gone" });
      await manage(running, "DELETE", `/keys/${running.openRouter.keys()[0]?.hash ?? ""}`);
      await grace.call("GET", "/v1/keys");
      await create(grace, { name: "100% mine" });
      const found: Record<string, unknown> = {};
      for (const query of [
        "",
        "?q=LAPTOP",
        "?q=grace",
        "?q=0%25",
        "?q=%25",
        "?state=disabled",
        "?state=gone",
        "?state=active&q=grace",
        "?state=revoked",
      ]) {
        const { keys, total } = await page(query);
        found[query] = [keys.map(({ name }) => name), total];
      }
      assert.deepStrictEqual(found, {
        "": [["100% mine", "gone", "laptop", "desk"], 4],
        "?q=LAPTOP": [["laptop"], 1],
        "?q=grace": [["100% mine", "gone", "desk"], 3],
        "?q=0%25": [["100% mine"], 1],
        "?q=%25": [["100% mine"], 1],
        "?state=disabled": [["desk"], 1],
        "?state=gone": [["gone"], 1],
        "?state=active&q=grace": [["100% mine"], 1],
        "?state=revoked": [[], 0],
      });
      assert.equal(gone.state, "active");
    });

    it("refuse a query that is not one, with a sentence", async () => {
      const answers = await Promise.all(
        [
          "limit=0",
          "limit=201",
          "limit=x",
          "cursor=x",
          "cursor=zzzzzzzzzzzz.",
          "state=sleeping",
          "owner=grace",
          `q=${"x".repeat(201)}`,
        ].map((query) => ada.call("GET", `/v1/admin/keys?${query}`)),
      );
      assert.deepStrictEqual(
        answers.map(codeOf),
        answers.map(() => "invalid_request"),
      );
    });

    it("disable a key for good until an administrator enables it, and delete it", async () => {
      const { id } = await create(grace, { name: "laptop" });
      const disabled = Key.parse((await ada.call("PATCH", `/v1/admin/keys/${id}`, { body: { disabled: true } })).body);
      const ownEnable = await grace.call("PATCH", `/v1/keys/${id}`, { body: { disabled: false } });
      const stillDisabled = running.openRouter.keys()[0]?.disabled;
      const enabled = Key.parse((await ada.call("PATCH", `/v1/admin/keys/${id}`, { body: { disabled: false } })).body);
      const own = [
        await grace.call("PATCH", `/v1/keys/${id}`, { body: { disabled: true } }),
        await grace.call("PATCH", `/v1/keys/${id}`, { body: { disabled: false } }),
      ];
      const deleted = [
        await ada.call("DELETE", `/v1/admin/keys/${id}`),
        await ada.call("DELETE", `/v1/admin/keys/${id}`),
      ];
      assert.deepStrictEqual(
        [
          disabled.state,
          codeOf(ownEnable),
          stillDisabled,
          enabled.state,
          own.map(codeOf),
          deleted.map(codeOf),
          running.openRouter.keys(),
        ],
        ["disabled", "forbidden", true, "active", ["200", "200"], ["204", "204"], []],
      );
    });

    it("reach only keys that this function made: nothing else gets to OpenRouter", async () => {
      await manage(running, "POST", "/keys", { name: "made by hand" });
      const [foreign] = running.openRouter.keys();
      running.openRouter.clearRequests();
      const answers = await Promise.all(
        [foreign?.hash ?? "", "00000000-0000-4000-8000-000000000000", "x"].flatMap((id) => [
          ada.call("DELETE", `/v1/admin/keys/${id}`),
          ada.call("PATCH", `/v1/admin/keys/${id}`, { body: { disabled: true } }),
        ]),
      );
      assert.deepStrictEqual(
        [
          answers.map(codeOf),
          running.openRouter.requests.length,
          running.openRouter.keys().length,
          (await page()).keys,
        ],
        [answers.map(() => "not_found"), 0, 1, []],
      );
    });

    it("see keys without fresh spend while OpenRouter is away, and people still see their own", async () => {
      await create(grace, { name: "laptop" });
      running.openRouter.faults.add({ path: "/**", fault: { kind: "status", status: 503, when: "before" } });
      const found = await page();
      const own = KeysAnswer.parse((await grace.call("GET", "/v1/keys")).body);
      assert.deepStrictEqual(
        [found.keys.map(({ name, spend }) => [name, spend]), found.spendComplete, own.keys.map(({ name }) => name)],
        [[["laptop", null]], false, ["laptop"]],
      );
    });

    it("get a file of all keys that no spreadsheet takes for formulas", async () => {
      await create(grace, { name: '=HYPERLINK("https://evil.example")' });
      await create(ada, { name: 'plain, "quoted"' });
      const answer = await ada.call("GET", "/v1/admin/keys.csv");
      const [header = "", ...lines] = String(answer.body).trimEnd().split("\r\n");
      assert.deepStrictEqual(
        [
          answer.headers.get("Content-Type"),
          answer.headers.get("Content-Disposition"),
          header.split(",").slice(0, 4),
          lines.map((line) => line.split(",25,")[0]),
        ],
        [
          "text/csv; charset=utf-8",
          'attachment; filename="openrouter-keys.csv"',
          ["owner", "name", "state", "limit_usd"],
          [
            '"ada@example.com","plain, ""quoted""","active"',
            '"grace@example.com","\'=HYPERLINK(""https://evil.example"")","active"',
          ],
        ],
      );
    });

    it("get no half of a file that looks like the whole when the database fails on the way", async () => {
      await running.stop();
      await stores.close();
      stores = await kind.open();
      const { companyKeys } = stores.keys;
      const failing: Stores = {
        ...stores,
        keys: {
          ...stores.keys,
          companyKeys: async (query) => {
            if (query.after !== undefined) throw new Error("The database is away.");
            const [row] = await companyKeys(query);
            return row === undefined ? [] : Array.from({ length: query.limit }, () => row);
          },
        },
      };
      running = await startFunction({ stores: failing });
      ada = await running.signIn("ada@example.com");
      await create(ada, { name: "laptop" });
      await assert.rejects(ada.call("GET", "/v1/admin/keys.csv"));
    });

    it("find in the record who did what to which key, in which request, without a secret", async () => {
      const { id } = await create(grace, { name: "laptop" });
      await grace.call("PATCH", `/v1/keys/${id}`, { body: { name: "desk" } });
      const byAdmin = await ada.call("PATCH", `/v1/admin/keys/${id}`, { body: { disabled: true } });
      await ada.call("DELETE", `/v1/admin/keys/${id}`);
      await ada.call("DELETE", `/v1/admin/keys/${id}`);
      const entries = await record();
      const text = JSON.stringify(entries);
      assert.deepStrictEqual(
        {
          entries: entries.map(({ actor, verb, targetId, owner, before, after }) => [
            actor.kind,
            actor.label,
            verb,
            targetId === id,
            owner.label,
            before,
            { ...after, expiresAt: undefined },
          ]),
          request: entries[1]?.requestId === byAdmin.headers.get("X-Request-Id"),
          secrets: /sk-or-v1|ors_|[0-9a-f]{64}/.test(text),
        },
        {
          entries: [
            [
              "admin",
              "ada@example.com",
              "key.delete",
              true,
              "grace@example.com",
              { name: "desk", state: "disabled", limitUsd: 25 },
              { expiresAt: undefined },
            ],
            [
              "admin",
              "ada@example.com",
              "key.change",
              true,
              "grace@example.com",
              { disabled: false },
              { disabled: true, expiresAt: undefined },
            ],
            [
              "owner",
              "grace@example.com",
              "key.change",
              true,
              "grace@example.com",
              { name: "laptop" },
              { name: "desk", expiresAt: undefined },
            ],
            [
              "owner",
              "grace@example.com",
              "key.create",
              true,
              "grace@example.com",
              null,
              { name: "laptop", limitUsd: 25, reset: "monthly", expiresAt: undefined },
            ],
          ],
          request: true,
          secrets: false,
        },
      );
    });

    it("page through the record from the newest on", async () => {
      for (const name of ["one", "two", "three"]) await create(grace, { name });
      const first = AuditAnswer.parse((await ada.call("GET", "/v1/admin/audit?limit=2")).body);
      const second = AuditAnswer.parse(
        (await ada.call("GET", `/v1/admin/audit?limit=2&cursor=${first.nextCursor ?? ""}`)).body,
      );
      const names = [...first.entries, ...second.entries].map(({ after }) => after?.["name"]);
      assert.deepStrictEqual(
        [names, second.nextCursor, codeOf(await ada.call("GET", "/v1/admin/audit?cursor=x"))],
        [["three", "two", "one"], null, "invalid_request"],
      );
    });

    it("get pages of any size to the end, each key once", async () => {
      for (let number = 0; number < 5; number += 1) await create(ada, { name: `key ${number}` });
      const pages = await allPages("?limit=2");
      const names = pages.flatMap(({ keys }) => keys.map(({ name }) => name));
      assert.deepStrictEqual([names, new Set(names).size], [["key 4", "key 3", "key 2", "key 1", "key 0"], 5]);
    });
  });
}
