import assert from "node:assert/strict";

import { sql } from "drizzle-orm";
import connect from "postgres";

import { inspectPostgres } from "../../../functions/adapters/postgres/inspect.ts";
import { faultsAtRest, faultsNow, readBooks } from "../../support/books.ts";
import { copyTemplate, emptyDatabase } from "../../support/databases.ts";
import type { FunctionProcess } from "../../support/function-process.ts";
import { bundleFunction, startFunctionProcess } from "../../support/function-process.ts";
import type { Answer } from "../../support/function.ts";
import { call, createKit } from "../../support/function.ts";
import type { Person, World } from "../../support/mortal.ts";
import { createWorldOn, settingsIn, startMortal } from "../../support/mortal.ts";
import type { Pooler } from "../../support/postgres/pooler.ts";
import { startPooler } from "../../support/postgres/pooler.ts";

const connections = 4;

describe("two processes behind one PostgreSQL and a pooler of transactions", function () {
  this.timeout(90_000);
  let pooler: Pooler;
  let world: World;
  let processes: readonly [FunctionProcess, FunctionProcess];

  before(async () => {
    const url = await copyTemplate();
    const rules = {
      ADMIN_EMAILS: "admin@example.com",
      PLANS: JSON.stringify([{ match: "everyone", maxKeys: 3, budgetUsd: 1000, createsPerHour: 1000 }]),
    };
    world = await createWorldOn(url, 8, rules);
    pooler = await startPooler(url, connections);
    processes = await startBoth(pooler, rules);
  });

  async function startBoth({ url }: Pooler, rules: Readonly<Record<string, string>> = {}) {
    const { server } = await bundleFunction();
    const settings = { ...rules, PORT: "0", DATABASE_URL: `${url}?prepare=false`, ...settingsIn(world) };
    return Promise.all([startFunctionProcess(settings, server), startFunctionProcess(settings, server)]);
  }

  after(async () => {
    for (const each of processes) await each.kill();
    await pooler.stop();
    await world.stop();
  });

  afterEach(() => {
    world.openRouter.faults.reset();
  });

  function ask(turn: number, person: Person, method: string, path: string, body?: unknown, headers = {}) {
    const { url } = turn % 2 === 0 ? processes[0] : processes[1];
    return call(url, method, path, {
      ...(body === undefined ? {} : { body }),
      headers: { Authorization: `Bearer ${person.token}`, ...headers },
    });
  }

  async function create(turn: number, person: Person): Promise<Answer> {
    const kit = await createKit();
    return ask(turn, person, "POST", "/v1/keys", { name: "many", recipient: kit.recipient }, kit.headers);
  }

  const mine = (person: Person) => world.openRouter.keys().filter((key) => key.name.includes(`(${person.email})`));
  const times = (count: number) => Array.from({ length: count }, (_, index) => index);

  async function expectSound(person: Person): Promise<void> {
    const ceiling = { budgetCents: 100_000, spent: new Map<string, number>(), now: Date.now() };
    const books = await readBooks(world, person.id);
    assert.deepStrictEqual([...faultsNow(books, ceiling), ...faultsAtRest(books, ceiling)], []);
  }

  it("bring an empty database up to date when they start at once, each migration once", async () => {
    const url = await emptyDatabase();
    const empty = await startPooler(url, 2);
    const both = await startBoth(empty);
    const health = await Promise.all(both.map(async (each) => (await call(each.url, "GET", "/v1/health")).body));
    for (const each of both) await each.kill();
    await empty.stop();
    const state = await inspectPostgres(url);
    assert.deepStrictEqual(
      [health, state.kind === "open" && [state.pending, state.newer]],
      [times(2).map(() => ({ status: "ok" })), [0, 0]],
    );
  });

  it("makes three keys of 50 that one person asks for at once, when the cap is three", async () => {
    const owner = await world.enter("many@example.com");
    const answers = await Promise.all(times(50).map((turn) => create(turn, owner)));
    const codes = answers.map((answer) => String(Object(answer.body).code ?? answer.status)).toSorted();
    const rows = (await readBooks(world, owner.id)).rows.filter((row) => row.phase === "live");
    assert.deepStrictEqual(
      [codes, mine(owner).length, rows.length],
      [[...times(3).map(() => "201"), ...times(47).map(() => "key_cap")], 3, 3],
    );
    await expectSound(owner);
  });

  it("answers the same request four times at once with one key", async () => {
    const owner = await world.enter("same@example.com");
    const kit = await createKit();
    world.openRouter.clearRequests();
    const send = (turn: number) =>
      ask(turn, owner, "POST", "/v1/keys", { name: "laptop", recipient: kit.recipient }, kit.headers);
    const answers = await Promise.all(times(4).map(send));
    const settled = await send(1);
    const posts = world.openRouter.requests.filter((request) => request.method === "POST").length;
    const wrong = answers.filter((answer) =>
      answer.status === 201
        ? JSON.stringify(answer.body) !== JSON.stringify(settled.body)
        : Object(answer.body).code !== "conflict",
    );
    assert.deepStrictEqual([settled.status, posts, mine(owner).length, wrong], [201, 1, 1, []]);
    await expectSound(owner);
  });

  it("does what is due once when two settle at once", async () => {
    const owner = await world.enter("due@example.com");
    for (const turn of times(3)) await create(turn, owner);
    const { database } = world;
    await database.execute(sql`update keys set expires_at = now() where owner_id = ${owner.id}`);
    const settled = await Promise.all(times(2).map(() => startMortal(world).settleDue()));
    const cleared = settled.reduce((sum, each) => sum + (each?.cleared ?? 0), 0);
    assert.deepStrictEqual([cleared, mine(owner).length], [3, 0]);
    await expectSound(owner);
  });

  it("refreshes spend one at a time", async () => {
    const admin = await world.enter("admin@example.com");
    world.openRouter.clearRequests();
    world.openRouter.faults.add({ method: "GET", path: "/keys", fault: { kind: "latency", ms: 300 } });
    const answers = await Promise.all(times(6).map((turn) => ask(turn, admin, "GET", "/v1/admin/keys")));
    const firstPages = world.openRouter.requests.filter(
      (request) => request.path.endsWith("/keys") && request.query["offset"] === "0",
    ).length;
    assert.deepStrictEqual([answers.map((answer) => answer.status), firstPages], [times(6).map(() => 200), 1]);
  });

  it("crosses deletions, renames, rotations and raises of one person without a deadlock", async () => {
    const owner = await world.enter("crossing@example.com");
    const admin = await world.enter("admin@example.com");
    const failed: string[] = [];
    const watched = async (asking: Promise<Answer>): Promise<Answer> => {
      const answer = await asking;
      if (answer.status >= 500) failed.push(JSON.stringify(answer.body));
      return answer;
    };
    for (const round of times(8)) {
      const ids: string[] = [];
      for (const turn of times(2)) ids.push(String(Object((await create(turn, owner)).body).key.id));
      const [first = "", second = ""] = ids;
      const until = new Date(Date.now() + 3_600_000).toISOString();
      const wish = { keyId: first, limitUsd: 60, until, reason: "A job." };
      const asked = await ask(round, owner, "POST", "/v1/raises", wish);
      const raise = `/v1/admin/raises/${String(Object(asked.body).id)}`;
      const kit = await createKit();
      await Promise.all([
        watched(ask(0, admin, "POST", raise, { decision: "approve" })),
        watched(ask(1, owner, "PATCH", `/v1/keys/${first}`, { name: "renamed" })),
        watched(ask(0, owner, "POST", `/v1/keys/${first}/rotate`, { recipient: kit.recipient }, kit.headers)),
        watched(ask(1, owner, "DELETE", `/v1/keys/${first}`)),
        watched(ask(0, owner, "DELETE", `/v1/keys/${second}`)),
      ]);
      for (const { id } of (await readBooks(world, owner.id)).rows) {
        await ask(round, owner, "DELETE", `/v1/keys/${id}`);
      }
    }
    await startMortal(world).settleDue();
    assert.deepStrictEqual(failed, []);
    assert.equal(mine(owner).length, 0);
  });

  it("goes on while the next version's migrations are in the database already", async () => {
    const owner = await world.enter("early@example.com");
    const { database } = world;
    await database.execute(sql`alter table keys add column later text not null default 'x'`);
    await database.execute(sql`create table later_table (id text primary key)`);
    await database.execute(sql`insert into schema_migrations (hash) values ('of the next version')`);
    const made = [await create(0, owner), await create(1, owner)];
    // One that starts now, as when a process of this version is started anew meanwhile.
    const third = await startFunctionProcess(
      { PORT: "0", DATABASE_URL: `${pooler.url}?prepare=false`, ...settingsIn(world) },
      (await bundleFunction()).server,
    );
    const health = await call(third.url, "GET", "/v1/health");
    await third.kill();
    assert.deepStrictEqual([made.map(({ status }) => status), health.status], [[201, 201], 200]);
    await expectSound(owner);
  });

  it("have shared a few connections, and each its transactions among them", async () => {
    const [open, clients] = [pooler.connections(), pooler.clients()];
    assert.deepStrictEqual([open, clients > 2 * connections, pooler.switches() > 100], [connections, true, true]);
  });

  it("could not rely on anything that a session leaves on its connection", async () => {
    const client = connect(pooler.url, { max: 1, fetch_types: false, prepare: false });
    await client.unsafe("set my.mark = 'left'");
    const [next] = await client.unsafe("select current_setting('my.mark', true) as mark");
    await client.end({ timeout: 0 });
    assert.notEqual(next?.["mark"], "left");
  });
});
