import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { sql } from "drizzle-orm";

import { faultsAtRest, faultsNow, readBooks } from "../../support/books.ts";
import { copyTemplate } from "../../support/databases.ts";
import type { FunctionProcess } from "../../support/function-process.ts";
import { bundleFunction, startFunctionProcess } from "../../support/function-process.ts";
import type { Answer } from "../../support/function.ts";
import { call, createKit } from "../../support/function.ts";
import type { Person, World } from "../../support/mortal.ts";
import { createWorldOn, settingsIn, startMortal } from "../../support/mortal.ts";
import type { DatabaseProxy } from "../../support/postgres/proxy.ts";
import { startDatabaseProxy } from "../../support/postgres/proxy.ts";
import { until } from "../../support/until.ts";

type Side = "before" | "after";
const sides = ["before", "after"] as const;

/** A request, and what the person who insisted on it must find. */
interface Work {
  readonly send: (url: string) => Promise<Answer>;
  readonly expect: (answer: Answer) => Promise<void> | void;
}

interface Verb {
  readonly name: string;
  /** How many changes of the database it makes; a test fails when it makes another number. */
  readonly changes: number;
  /** The requests to OpenRouter that change something. */
  readonly upstream: readonly { readonly method: "POST" | "PATCH" | "DELETE"; readonly path: string }[];
  readonly arrange: (url: string, owner: Person) => Promise<Work>;
}

describe("the function's process killed in the middle, on PostgreSQL", function () {
  this.timeout(60_000);
  let proxy: DatabaseProxy;
  let world: World;
  let admin: Person;
  let settings: Readonly<Record<string, string>>;
  let running: FunctionProcess;
  let people = 0;

  before(async () => {
    const url = await copyTemplate();
    proxy = await startDatabaseProxy(url);
    const rules = {
      ADMIN_EMAILS: "admin@example.com",
      PLANS: JSON.stringify([{ match: "everyone", budgetUsd: 60, maxKeyUsd: 40, createsPerHour: 1000 }]),
    };
    world = await createWorldOn(url, 4, rules);
    admin = await world.enter("admin@example.com");
    settings = {
      ...rules,
      PORT: "0",
      DATABASE_URL: proxy.url,
      ...settingsIn(world),
    };
    running = await start();
  });

  after(async () => {
    await running.kill();
    await proxy.stop();
    await world.stop();
  });

  /** A process that has done what was due when it started, so that only requests change anything from then on. */
  async function start(): Promise<FunctionProcess> {
    const from = proxy.statements.length;
    const started = await startFunctionProcess(settings, (await bundleFunction()).server);
    await until(() => proxy.statements.slice(from).some((text) => /^update "keys".*"fit_at" <= /.test(text)));
    return started;
  }

  const as =
    (person: Person, method: string, path: string, body?: unknown, headers = {}) =>
    (url: string) =>
      call(url, method, path, {
        ...(body === undefined ? {} : { body }),
        headers: { Authorization: `Bearer ${person.token}`, ...headers },
      });

  async function make(url: string, owner: Person): Promise<string> {
    const kit = await createKit();
    const answer = await as(owner, "POST", "/v1/keys", { name: "had", recipient: kit.recipient }, kit.headers)(url);
    return String(Object(answer.body).key.id);
  }

  const mine = (owner: Person) => world.openRouter.keys().filter((key) => key.name.includes(`(${owner.email})`));

  /** The request whose answer must carry the secret of a live key. */
  async function forSecret(owner: Person, path: string, wish: object, live: number): Promise<Work> {
    const kit = await createKit();
    return {
      send: as(owner, "POST", path, { ...wish, recipient: kit.recipient }, kit.headers),
      expect: async (answer) => {
        assert.equal(answer.status, 201, JSON.stringify(answer.body));
        const secret = await kit.open(String(Object(answer.body).sealedSecret));
        const hash = createHash("sha256").update(secret).digest("hex");
        assert.deepStrictEqual([mine(owner).length, mine(owner).some((key) => key.hash === hash)], [live, true]);
      },
    };
  }

  const verbs: readonly Verb[] = [
    {
      name: "create",
      changes: 2,
      upstream: [{ method: "POST", path: "/keys" }],
      arrange: (_, owner) => forSecret(owner, "/v1/keys", { name: "laptop" }, 1),
    },
    {
      name: "rotate",
      // The last one looks for a raise that was approved meanwhile.
      changes: 3,
      upstream: [{ method: "POST", path: "/keys" }],
      arrange: async (url, owner) => forSecret(owner, `/v1/keys/${await make(url, owner)}/rotate`, {}, 2),
    },
    {
      name: "delete",
      changes: 3,
      upstream: [{ method: "DELETE", path: "/keys/*" }],
      arrange: async (url, owner) => ({
        send: as(owner, "DELETE", `/v1/keys/${await make(url, owner)}`),
        expect: (answer) => assert.deepStrictEqual([answer.status, mine(owner).length], [204, 0]),
      }),
    },
    {
      name: "approve a raise",
      changes: 3,
      upstream: [{ method: "PATCH", path: "/keys/*" }],
      arrange: async (url, owner) => {
        const keyId = await make(url, owner);
        const wish = { keyId, limitUsd: 50, until: new Date(Date.now() + 3_600_000).toISOString(), reason: "A job." };
        const asked = await as(owner, "POST", "/v1/raises", wish)(url);
        const path = `/v1/admin/raises/${String(Object(asked.body).id)}`;
        return {
          send: as(admin, "POST", path, { decision: "approve" }),
          expect: (answer) => assert.deepStrictEqual([answer.status, mine(owner)[0]?.limit], [200, 50]),
        };
      },
    },
  ];

  async function arrange(verb: Verb): Promise<{ owner: Person; work: Work }> {
    people += 1;
    const owner = await world.enter(`person-${people}@example.com`);
    return { owner, work: await verb.arrange(running.url, owner) };
  }

  /** Kills the process where it stands, starts another one, and has the person ask again until there is an answer. */
  async function killAndRecover(owner: Person, work: Work, lost: Promise<unknown>): Promise<void> {
    await running.kill();
    await lost;
    world.openRouter.faults.clear();
    proxy.mend();
    await endLeases();
    running = await start();
    let answer = await work.send(running.url);
    await until(async () => {
      if (!answer.headers.has("Retry-After")) return true;
      answer = await work.send(running.url);
      return false;
    });
    await work.expect(answer);
    await rest(owner);
  }

  /** As if a dead process's leases had run out: nobody waits for that here. */
  async function endLeases(): Promise<void> {
    await world.database.execute(sql`
      update keys set lease_until = 'epoch', fit_at = case when fit_at is not null then least(fit_at, now()) end`);
  }

  async function rest(owner: Person): Promise<void> {
    // What the process that runs has taken hold of, it finishes.
    await until(async () => {
      const held = sql`select 1 from keys where owner_id = ${owner.id} and fit_at <= now() and lease_until > now()`;
      const [found] = await world.database
        .select({ is: sql<boolean>`exists (${held})` })
        .from(sql`(values (1)) as one`);
      return found?.is === false;
    });
    await startMortal(world).settleDue();
    const ceiling = { budgetCents: 6_000, spent: new Map<string, number>(), now: Date.now() };
    const books = await readBooks(world, owner.id);
    assert.deepStrictEqual([...faultsNow(books, ceiling), ...faultsAtRest(books, ceiling)], []);
  }

  for (const verb of verbs) {
    for (const change of Array(verb.changes).keys()) {
      for (const side of sides) {
        it(`${verb.name}: ${side} change ${change + 1} of the database`, async () => {
          const { owner, work } = await arrange(verb);
          const reached = proxy.holdAt(change, side);
          const lost = work.send(running.url).catch(() => undefined);
          await reached;
          await killAndRecover(owner, work, lost);
        });
      }
    }
    for (const { method, path } of verb.upstream) {
      for (const side of sides) {
        it(`${verb.name}: ${side} ${method} ${path} at OpenRouter`, async () => {
          const { owner, work } = await arrange(verb);
          const reached = hangAt(method, path, side);
          const lost = work.send(running.url).catch(() => undefined);
          await reached;
          await killAndRecover(owner, work, lost);
        });
      }
    }

    it(`${verb.name}: the database gone at each step`, async () => {
      for (const change of Array(verb.changes).keys()) {
        for (const side of sides) {
          const { owner, work } = await arrange(verb);
          const reached = proxy.cutAt(change, side);
          const [cut] = await Promise.all([work.send(running.url), reached]);
          proxy.mend();
          await until(async () => (await call(running.url, "GET", "/v1/health")).status === 200);
          const session = await as(owner, "GET", "/v1/me")(running.url);
          assert.deepStrictEqual(
            [cut.status, Object(cut.body).code, cut.headers.has("Retry-After"), session.status],
            [503, "database_unavailable", true, 200],
            `${side} change ${change + 1}`,
          );
          await endLeases();
          await work.expect(await work.send(running.url));
          await rest(owner);
        }
      }
    });

    it(`${verb.name}: makes no change that is not stopped at above`, async () => {
      const { work } = await arrange(verb);
      const beyond = proxy.holdAt(verb.changes, "before").then(() => "held");
      const answered = work.send(running.url).then((answer) => (answer.status < 300 ? "answered" : answer.status));
      assert.equal(await Promise.race([beyond, answered]), "answered");
      proxy.mend();
    });
  }

  /** Resolves when a request hangs there, and OpenRouter has done what it asks for or has not. */
  async function hangAt(method: "POST" | "PATCH" | "DELETE", path: string, side: Side): Promise<void> {
    const { openRouter } = world;
    openRouter.clearRequests();
    openRouter.faults.add({ method, path, times: 1, fault: { kind: "hang", when: side } });
    const was = JSON.stringify(openRouter.keys());
    await until(() => openRouter.requests.some((request) => request.method === method));
    if (side === "after") await until(() => JSON.stringify(openRouter.keys()) !== was);
  }
});
