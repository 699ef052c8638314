import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import type { Database } from "../../../functions/adapters/postgres/database.ts";
import { keys, keySpend } from "../../../functions/adapters/postgres/schema.ts";
import { manage } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Caller, RunningFunction } from "../../support/function.ts";
import { startFunction } from "../../support/function.ts";
import { until } from "../../support/until.ts";

const day = 24 * 3_600_000;

for (const kind of databaseKinds) {
  describe(`a refresh of all spend, on ${kind.name}`, function () {
    this.timeout(90_000);
    let stores: Stores;
    let database: Database;
    let running: RunningFunction;
    let ada: Caller;

    beforeEach(async () => {
      ({ stores, database } = await kind.openWithView());
      running = await startFunction({ stores });
      ada = await running.signIn("ada@example.com");
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    /** Keys at OpenRouter that have spent a dollar each, and their rows. */
    async function have(count: number): Promise<void> {
      const me = Object((await ada.call("GET", "/v1/me")).body).account.id;
      const hashes: string[] = [];
      for (let made = 0; made < count; made += 1) hashes.push(await makeUpstream());
      const now = Date.now();
      const rows = hashes.map((upstreamHash) => ({
        id: randomUUID(),
        ownerId: String(me),
        name: "laptop",
        upstreamHash,
        phase: "live" as const,
        limitCents: 2_500,
        wantedCents: 2_500,
        reset: "monthly" as const,
        createdAt: new Date(now),
        expiresAt: new Date(now + 30 * day),
        attempt: 1,
        leaseUntil: new Date(0),
      }));
      for (let from = 0; from < rows.length; from += 500) {
        await database.insert(keys).values(rows.slice(from, from + 500));
      }
    }

    async function makeUpstream(): Promise<string> {
      const made = await manage(running, "POST", "/keys", { name: "laptop", limit: 25, limit_reset: "monthly" });
      const hash = String(Object(made).data.hash);
      running.openRouter.spend(hash, 1);
      return hash;
    }

    /** Has an administrator look until a refresh that began then is done. */
    async function refresh(): Promise<{ readonly complete: boolean }> {
      running.advance(60_000);
      const before = (await stores.leases.lastDone("spend"))?.at;
      await ada.call("GET", "/v1/admin/keys");
      let done = await stores.leases.lastDone("spend");
      await until(async () => {
        done = await stores.leases.lastDone("spend");
        return done !== undefined && done.at !== before;
      }, 60_000);
      return { complete: done?.complete ?? false };
    }

    /** How many keys have been seen to have spent a dollar, and the states of all. */
    async function seen(): Promise<{ readonly spent: number; readonly phases: readonly string[] }> {
      const spends = await database.select({ usd: keySpend.dayUsd }).from(keySpend);
      const rows = await database.select({ phase: keys.phase }).from(keys);
      return {
        spent: spends.filter(({ usd }) => usd === 1).length,
        phases: [...new Set(rows.map(({ phase }) => phase))],
      };
    }

    // What OpenRouter says does not reach the database: one of them is enough for that.
    for (const saysRetryAfter of kind === databaseKinds[1] ? [true, false] : [true]) {
      const hint = saysRetryAfter ? "and says when to come back" : "and does not say when to come back";
      it(`reads 2,000 keys although OpenRouter takes 20 calls a second ${hint}`, async () => {
        await have(2_000);
        running.openRouter.faults.turn({ pageSize: 50, callsPerSecond: 20, saysRetryAfter });
        running.openRouter.clearRequests();
        const { complete } = await refresh();
        const reads = running.openRouter.requests.filter(
          ({ method, path }) => method === "GET" && path.endsWith("/keys"),
        );
        const refused = reads.filter(({ status }) => status === 429).length;
        assert.deepStrictEqual(
          {
            complete,
            seen: await seen(),
            isRefusedAtTimes: refused > 0,
            // Whoever is told to ask less often and does not, is refused far more often than answered.
            isPatient: refused <= reads.length - refused,
          },
          { complete: true, seen: { spent: 2_000, phases: ["live"] }, isRefusedAtTimes: true, isPatient: true },
        );
      });
    }

    it("takes no key for gone and misses none for ever while keys come and go between its pages", async () => {
      await have(60);
      // Keys that this function has not made lie before all others, and are not counted by it.
      for (let made = 0; made < 25; made += 1) await makeUpstream();
      const standing = running.openRouter.keys().map(({ hash }) => hash);
      running.openRouter.faults.turn({ pageSize: 10 });
      let isShifting = true;
      let shifts = 0;
      const shifting = (async () => {
        // More of them move the others to other pages: down while they are made, up while they are deleted.
        while (isShifting) {
          const others: string[] = [];
          for (let made = 0; made < 7; made += 1) others.push(await makeUpstream());
          for (const hash of others) await manage(running, "DELETE", `/keys/${hash}`);
          shifts += 1;
        }
      })();
      const whileShifting: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        await refresh();
        whileShifting.push(await seen().then(({ spent }) => spent));
      }
      isShifting = false;
      await shifting;
      const { complete } = await refresh();
      assert.deepStrictEqual(
        {
          complete,
          seen: await seen(),
          hasShifted: shifts > 0,
          isNeverForgotten: whileShifting.every((spent, round) => spent >= (whileShifting[round - 1] ?? 0)),
          upstream: running.openRouter.keys().map(({ hash }) => hash),
        },
        {
          complete: true,
          seen: { spent: 60, phases: ["live"] },
          hasShifted: true,
          isNeverForgotten: true,
          upstream: standing,
        },
      );
    });
  });
}
