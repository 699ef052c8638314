import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { keySpend, keys, leases } from "../../../functions/adapters/postgres/schema.ts";
import { copyTemplate } from "../../support/databases.ts";
import type { FunctionProcess } from "../../support/function-process.ts";
import { bundleFunction, startFunctionProcess } from "../../support/function-process.ts";
import { manage } from "../../support/callers.ts";
import { call } from "../../support/function.ts";
import type { Person, World } from "../../support/mortal.ts";
import { createWorldOn, settingsIn } from "../../support/mortal.ts";
import type { DatabaseProxy } from "../../support/postgres/proxy.ts";
import { startDatabaseProxy } from "../../support/postgres/proxy.ts";
import { until } from "../../support/until.ts";

const pages = 4;
const pageSize = 10;
const day = 24 * 3_600_000;

describe("the database cut during a refresh of all spend, on PostgreSQL", function () {
  this.timeout(60_000);
  let proxy: DatabaseProxy;
  let world: World;
  let admin: Person;
  let running: FunctionProcess;
  let dollars = 0;

  before(async () => {
    const url = await copyTemplate();
    proxy = await startDatabaseProxy(url);
    world = await createWorldOn(url, 4);
    world.openRouter.faults.turn({ pageSize });
    admin = await world.enter("admin@example.com");
    await have(pages * pageSize);
    running = await startFunctionProcess(
      {
        ADMIN_EMAILS: "admin@example.com",
        PORT: "0",
        DATABASE_URL: proxy.url,
        ...settingsIn(world),
      },
      (await bundleFunction()).server,
    );
    // What was due at the start is done, so that only the refresh changes anything from then on.
    await until(() => proxy.statements.some((text) => /^update "keys".*"fit_at" <= /.test(text)));
  });

  after(async () => {
    await running.kill();
    await proxy.stop();
    await world.stop();
  });

  async function have(count: number): Promise<void> {
    const rows: (typeof keys.$inferInsert)[] = [];
    while (rows.length < count) {
      const made = await manage(world, "POST", "/keys", { name: "laptop", limit: 1000, limit_reset: "monthly" });
      rows.push({
        id: randomUUID(),
        ownerId: admin.id,
        name: "laptop",
        upstreamHash: String(Object(made).data.hash),
        phase: "live",
        limitCents: 100_000,
        wantedCents: 100_000,
        reset: "monthly",
        createdAt: new Date(),
        expiresAt: new Date(Date.now() + 30 * day),
        attempt: 1,
        leaseUntil: new Date(0),
      });
    }
    await world.database.insert(keys).values(rows);
  }

  const look = () =>
    call(running.url, "GET", "/v1/admin/keys", { headers: { Authorization: `Bearer ${admin.token}` } });

  /** Every key has spent another dollar, and the last refresh was long ago. */
  async function makeStale(): Promise<void> {
    dollars += 1;
    for (const { hash } of world.openRouter.keys()) world.openRouter.spend(hash, 1);
    await world.database.update(leases).set({ doneAt: new Date(0) });
  }

  /** OpenRouter's answers after the first so many, until the faults are cleared. */
  function slowDown(skip: number): void {
    world.openRouter.faults.add({ method: "GET", path: "/keys", skip, fault: { kind: "latency", ms: 200 } });
  }

  async function state(): Promise<{ readonly complete: boolean; readonly current: number; readonly live: number }> {
    const [lease] = await world.database.select().from(leases);
    const spends = await world.database.select().from(keySpend);
    const rows = await world.database.select().from(keys);
    return {
      complete: lease?.doneComplete === true && lease.doneAt !== null && lease.doneAt.getTime() > 0,
      current: spends.filter(({ dayUsd }) => dayUsd === dollars).length,
      live: rows.filter(({ phase }) => phase === "live").length,
    };
  }

  it("is not begun by a second one while it goes on", async () => {
    await makeStale();
    world.openRouter.clearRequests();
    slowDown(0);
    await Promise.all(Array.from({ length: 6 }, () => look()));
    await until(async () => (await state()).complete);
    world.openRouter.faults.clear();
    const reads = world.openRouter.requests.filter(({ query }) => query["offset"] === "0");
    assert.deepStrictEqual([reads.length, (await state()).current], [1, pages * pageSize]);
  });

  // The lease is taken, each page is saved, the lease is let go.
  for (const change of Array(pages + 2).keys()) {
    for (const side of ["before", "after"] as const) {
      it(`${side} its change ${change + 1}: nothing is lost, and the next refresh is whole`, async () => {
        await makeStale();
        // The last page is still awaited when the first cannot be saved, and nobody looks at that failure yet.
        if (change === 1) slowDown(pages - 1);
        const reached = proxy.cutAt(change, side);
        const [cut] = await Promise.all([look(), reached]);
        world.openRouter.faults.clear();
        proxy.mend();
        await until(async () => (await call(running.url, "GET", "/v1/health")).status === 200);
        const [lease] = await world.database.select().from(leases);
        const heldMs = (lease?.expiresAt.getTime() ?? 0) - Date.now();
        // As if its time had passed: nobody waits for that here.
        await world.database.update(leases).set({ expiresAt: new Date(0), doneAt: new Date(0) });
        // Connections that were broken may fail once more before they are made anew; administrators look again.
        await until(async () => {
          await look();
          return (await state()).complete;
        }, 40_000);
        assert.deepStrictEqual(
          [cut.status === 200 || cut.status === 503, heldMs <= 600_000, await state()],
          [true, true, { complete: true, current: pages * pageSize, live: pages * pageSize }],
        );
      });
    }
  }
});
