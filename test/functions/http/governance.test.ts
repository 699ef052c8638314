import assert from "node:assert/strict";

import * as z from "zod/mini";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { AdminKeysAnswer } from "../../../functions/contract/admin.ts";
import { CreateKeyAnswer, KeysAnswer } from "../../../functions/contract/keys.ts";
import { codeOf, create, manage, tryCreate } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Caller, RunningFunction } from "../../support/function.ts";
import { createKit, startFunction } from "../../support/function.ts";

const Made = z.object({ data: z.object({ id: z.string() }) });
const Assignments = z.object({ data: z.array(z.object({ guardrail_id: z.string(), key_hash: z.string() })) });

for (const kind of databaseKinds) {
  describe(`what a plan demands of OpenRouter, on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    let ada: Caller;
    let id: string;

    /** A plan that names something made at OpenRouter. */
    async function start(field: "guardrailId" | "workspaceId", path: string, body: object): Promise<void> {
      stores = await kind.open();
      running = await startFunction({
        stores,
        async environment(openRouter) {
          id = Made.parse(await manage({ openRouter }, "POST", path, body)).data.id;
          return { PLANS: JSON.stringify([{ match: "everyone", [field]: id }]) };
        },
      });
      ada = await running.signIn("ada@example.com");
    }

    const withGuardrail = () =>
      start("guardrailId", "/guardrails", { name: "engineers", allowed_models: ["anthropic/claude-haiku-4.5"] });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    async function assignments(): Promise<readonly (readonly [string, string])[]> {
      const answer = Assignments.parse(await manage(running, "GET", "/guardrails/assignments/keys"));
      return answer.data.map(({ guardrail_id, key_hash }) => [guardrail_id, key_hash]);
    }

    async function ungoverned(): Promise<readonly string[]> {
      const governed = new Set((await assignments()).map(([, hash]) => hash));
      return running.openRouter.keys().flatMap(({ hash }) => (governed.has(hash) ? [] : [hash]));
    }

    it("puts every new key and every successor under the plan's guardrail before its secret is handed out", async () => {
      await withGuardrail();
      const key = await create(ada, { name: "laptop" });
      const kit = await createKit();
      const body = { recipient: kit.recipient };
      await ada.call("POST", `/v1/keys/${key.id}/rotate`, { body, headers: kit.headers });
      const hashes = running.openRouter.keys().map(({ hash }) => hash);
      assert.deepStrictEqual(
        [hashes.length, (await assignments()).toSorted()],
        [2, hashes.map((hash) => [id, hash]).toSorted()],
      );
    });

    const failures = {
      "says that no key was put under it": ["upstream_refused", 1, { kind: "odd-json", body: { assigned_count: 0 } }],
      "says something else": ["upstream_refused", 1, { kind: "odd-json" }],
      "is an error": ["upstream_unavailable", 3, { kind: "status", status: 500, when: "before" }],
      "is an error although the key was put under it": [
        "upstream_unavailable",
        3,
        { kind: "status", status: 502, when: "after" },
      ],
      "is a page": ["upstream_unavailable", 3, { kind: "html", status: 200, when: "after" }],
      "is a page that refuses": ["upstream_unavailable", 3, { kind: "html", status: 403 }],
      "is half of an answer": ["upstream_unavailable", 3, { kind: "truncated" }],
      "breaks in the middle": ["upstream_unavailable", 3, { kind: "truncated", end: "broken" }],
      "leads elsewhere": ["upstream_unavailable", 3, { kind: "redirect", status: 302, location: "/elsewhere" }],
      "is lost after the key was put under it": ["upstream_unavailable", 3, { kind: "drop", when: "after" }],
      "is to ask less often": ["upstream_busy", 3, { kind: "rate-limit" }],
    } as const;
    for (const [what, [code, times, fault]] of Object.entries(failures)) {
      const rule = { times, fault };
      it(`removes the key and says ${code} when the answer about the guardrail ${what}`, async () => {
        await withGuardrail();
        const kit = await createKit();
        const body = { name: "laptop", recipient: kit.recipient };
        running.openRouter.faults.add({ method: "POST", path: "/guardrails/**", ...rule });
        const first = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        const left = running.openRouter.keys().length;
        const listed = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys;
        const second = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        assert.deepStrictEqual(
          {
            first: [codeOf(first), Object(first.body).sealedSecret, Object(first.body).detail.length > 0],
            left,
            listed,
            second: second.status,
            ungoverned: await ungoverned(),
          },
          { first: [code, undefined, true], left: 0, listed: [], second: 201, ungoverned: [] },
        );
      });
    }

    for (const kindOfLoss of ["drop", "truncated"] as const) {
      it(`asks again when the answer about the guardrail is lost once (${kindOfLoss})`, async () => {
        await withGuardrail();
        const fault = kindOfLoss === "drop" ? ({ kind: "drop", when: "after" } as const) : { kind: kindOfLoss };
        running.openRouter.faults.add({ method: "POST", path: "/guardrails/**", times: 1, fault });
        const made = await tryCreate(ada, { name: "laptop" });
        assert.deepStrictEqual([made.status, running.openRouter.keys().length, await ungoverned()], [201, 1, []]);
      });
    }

    it("leaves no ungoverned key behind even when it cannot be removed at once", async () => {
      await withGuardrail();
      running.openRouter.faults.add({
        method: "POST",
        path: "/guardrails/**",
        fault: { kind: "drop", when: "before" },
      });
      const isAway = { kind: "status", status: 503, when: "before" } as const;
      running.openRouter.faults.add({ method: "DELETE", path: "/keys/*", fault: isAway });
      const refused = await tryCreate(ada, { name: "laptop" });
      const left = running.openRouter.keys().length;
      running.openRouter.faults.clear();
      running.advance(60_000);
      await running.settleDue();
      assert.deepStrictEqual([refused.status, left, running.openRouter.keys().length], [503, 1, 0]);
    });

    it("makes keys in the plan's workspace, and finds, cleans up and counts them there", async () => {
      await start("workspaceId", "/workspaces", { name: "Lab", slug: "lab" });
      const kit = await createKit();
      const body = { name: "laptop", recipient: kit.recipient };
      const fault = { kind: "drop", when: "after" } as const;
      running.openRouter.faults.add({ method: "POST", path: "/keys", times: 1, fault });
      const lost = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      const made = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
      running.openRouter.spend(running.openRouter.keys()[0]?.hash ?? "", 1.5);
      const seen = AdminKeysAnswer.parse((await ada.call("GET", "/v1/admin/keys")).body);
      assert.deepStrictEqual(
        [
          lost.status,
          made.status,
          CreateKeyAnswer.parse(made.body).key.state,
          running.openRouter.keys().map(({ workspace_id }) => workspace_id === id),
          seen.keys.map(({ spend }) => spend?.windowUsd),
        ],
        [503, 201, "active", [true], [1.5]],
      );
    });
  });
}
