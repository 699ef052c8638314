import assert from "node:assert/strict";

import { connectPostgres } from "../../../functions/adapters/postgres/connect.ts";
import { copyTemplate } from "../../support/databases.ts";
import { createKit, startFunction } from "../../support/function.ts";
import { startDatabaseProxy } from "../../support/postgres/proxy.ts";

describe("the statements of every create", function () {
  this.timeout(60_000);

  /** Makes keys one after the other; returns their statuses and what the connections kept prepared. */
  async function makeKeys(query: string): Promise<{ statuses: readonly number[]; kept: readonly string[] }> {
    const proxy = await startDatabaseProxy(await copyTemplate());
    const stores = await connectPostgres(`${proxy.url}${query}`, 2);
    const running = await startFunction({ stores });
    try {
      const ada = await running.signIn("ada@example.com");
      const statuses: number[] = [];
      for (let made = 0; made < 3; made += 1) {
        const kit = await createKit();
        const body = { name: "laptop", recipient: kit.recipient };
        statuses.push((await ada.call("POST", "/v1/keys", { body, headers: kit.headers })).status);
      }
      return { statuses, kept: proxy.kept.filter((text) => /keys|sessions|owners/.test(text)) };
    } finally {
      await running.stop();
      await stores.close();
      await proxy.stop();
    }
  }

  it("are prepared once on each connection", async () => {
    const { statuses, kept } = await makeKeys("");
    const counts = kept.map((text) => kept.filter((other) => other === text).length);
    assert.deepStrictEqual([statuses, kept.length > 0, Math.max(...counts) <= 2], [[201, 201, 201], true, true]);
  });

  it("are not prepared where the database's address says that the pooler in between does not know that", async () => {
    assert.deepStrictEqual(await makeKeys("?prepare=false"), { statuses: [201, 201, 201], kept: [] });
  });
});
