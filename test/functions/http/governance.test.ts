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
      upstream_refused: { times: 1, fault: { kind: "odd-json", body: { assigned_count: 0 } } },
      upstream_unavailable: { times: 3, fault: { kind: "status", status: 500, when: "before" } },
    } as const;
    for (const [code, rule] of Object.entries(failures)) {
      it(`removes the key and says ${code} when the guardrail cannot be put on`, async () => {
        await withGuardrail();
        const kit = await createKit();
        const body = { name: "laptop", recipient: kit.recipient };
        running.openRouter.faults.add({ method: "POST", path: "/guardrails/**", ...rule });
        const first = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        const left = running.openRouter.keys().length;
        const listed = KeysAnswer.parse((await ada.call("GET", "/v1/keys")).body).keys;
        const second = await ada.call("POST", "/v1/keys", { body, headers: kit.headers });
        assert.deepStrictEqual(
          [codeOf(first), Object(first.body).sealedSecret, left, listed, second.status, (await assignments()).length],
          [code, undefined, 0, [], 201, 1],
        );
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
