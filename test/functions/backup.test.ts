import assert from "node:assert/strict";

import { connectPostgres } from "../../functions/adapters/postgres/connect.ts";
import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { KeysAnswer } from "../../functions/contract/keys.ts";
import { create } from "../support/callers.ts";
import { copyDatabase, copyTemplate } from "../support/databases.ts";
import type { Caller, RunningFunction } from "../support/function.ts";
import { startFunction } from "../support/function.ts";
import type { OpenRouterStandIn } from "../support/openrouter/stand-in.ts";
import { startOpenRouter } from "../support/openrouter/stand-in.ts";

describe("a database that is put back from a backup", function () {
  this.timeout(60_000);
  let openRouter: OpenRouterStandIn;

  before(async () => {
    openRouter = await startOpenRouter();
  });
  after(() => openRouter.stop());

  async function during<T>(url: string, work: (running: RunningFunction) => Promise<T>): Promise<T> {
    const stores: Stores = await connectPostgres(url, 4);
    const running = await startFunction({ stores, openRouter });
    try {
      return await work(running);
    } finally {
      await running.stop();
      await stores.close();
    }
  }

  it("has its people and keys again, and the next run brings OpenRouter to that state", async () => {
    const url = await copyTemplate();
    let ada: Caller | undefined;
    const kept = await during(url, async (running) => {
      ada = await running.signIn("ada@example.com");
      return { first: await create(ada, { name: "kept" }), second: await create(ada, { name: "deleted later" }) };
    });
    const backup = await copyDatabase(url);
    const session = ada ?? assert.fail();
    await during(url, async (running) => {
      const caller = running.as(session);
      await create(caller, { name: "made later" });
      assert.equal((await caller.call("DELETE", `/v1/keys/${kept.second.id}`)).status, 204);
    });
    assert.equal(openRouter.keys().length, 2);

    const after = await during(backup, async (running) => {
      const caller = running.as(session);
      const summary = await running.runNightly();
      const { keys } = KeysAnswer.parse((await caller.call("GET", "/v1/keys")).body);
      return { repaired: Object(summary).repaired, keys: keys.map(({ name, state }) => `${name}: ${state}`).sort() };
    });
    assert.deepStrictEqual(
      { ...after, upstream: openRouter.keys().map(({ name }) => /^(.*?) \(/.exec(name)?.[1]) },
      { repaired: 2, keys: ["deleted later: gone", "kept: active"], upstream: ["kept"] },
    );
  });
});
