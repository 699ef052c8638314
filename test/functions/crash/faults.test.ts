import assert from "node:assert/strict";

import { faultsAtRest, faultsNow, readBooks } from "../../support/books.ts";
import { databaseKinds } from "../../support/databases.ts";
import { createKit } from "../../support/function.ts";
import type { MortalAnswer, Person, World } from "../../support/mortal.ts";
import { createWorld, startMortal } from "../../support/mortal.ts";
import { until } from "../../support/until.ts";
import { dieAfter, insist, madeIn } from "./verbs.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

describe("faults that come together", function () {
  this.timeout(60_000);
  let world: World;
  let owner: Person;
  let admin: Person;

  beforeEach(async () => {
    const plans = JSON.stringify([
      { match: "everyone", maxKeys: 50, budgetUsd: 1000, maxKeyUsd: 40, createsPerHour: 1000 },
    ]);
    world = await createWorld(await databaseKinds[1].openWithView(), {
      ADMIN_EMAILS: "admin@example.com",
      PLANS: plans,
    });
    owner = await world.enter("ada@example.com");
    admin = await world.enter("admin@example.com");
  });
  afterEach(() => world.stop());

  async function wish(by = owner) {
    const kit = await createKit();
    const body = { name: "laptop", recipient: kit.recipient };
    return {
      run: (process: ReturnType<typeof startMortal>) =>
        process.call(by, "POST", "/v1/keys", { body, headers: kit.headers }),
    };
  }

  async function make(): Promise<string> {
    const { run } = await wish();
    const answer = await insist(world, run);
    return madeIn(answer).key.id;
  }

  async function expectSound(live: number): Promise<void> {
    const ceiling = { budgetCents: 100_000, spent: new Map<string, number>(), now: world.now() };
    const books = await readBooks(world, owner.id);
    assert.deepStrictEqual(
      [books.upstream.length, ...faultsNow(books, ceiling), ...faultsAtRest(books, ceiling)],
      [live],
    );
  }

  const callUpstream = (method: string, path: string) =>
    fetch(`${world.openRouter.apiUrl}${path}`, {
      method,
      headers: { Authorization: `Bearer ${world.openRouter.managementKey}` },
    });

  it("finds what a dead process left although the list shifts while it is walked", async () => {
    await dieAfter({ world, owner, admin, spent: new Map() }, await wish(), "POST");
    for (let made = 0; made < 5; made += 1) await make();
    world.openRouter.faults.turn({ pageSize: 5 });
    world.advance(2 * minute);
    // The stray is the first key of the second page of five; two keys of the first page are deleted in between.
    const isWalk = (name: string) => name === "GET /api/v1/keys";
    let walked = 0;
    const process = startMortal(world, {
      onStep: async (step) => {
        if (!isWalk(process.steps[step] ?? "")) return;
        walked += 1;
        if (walked !== 1) return;
        for (const { hash } of world.openRouter.keys().slice(0, 2)) await callUpstream("DELETE", `/keys/${hash}`);
      },
    });
    await process.settleDue();
    await insist(world, (next) => next.call(owner, "GET", "/v1/keys"));
    await expectSound(3);
  });

  it("does not confirm an attempt whose key another attempt has removed", async () => {
    const { run } = await wish();
    let isOvertaken = false;
    const slow = startMortal(world, {
      onStep: async (step) => {
        if (slow.steps[step]?.startsWith("POST") !== true || isOvertaken) return;
        isOvertaken = true;
        world.advance(minute);
        // The other one dies when it has cleaned up and is about to make its own key.
        await run(startMortal(world, { crash: (_, name) => (name.startsWith("POST") ? "before" : undefined) }));
      },
    });
    const overtaken = await run(slow);
    assert.deepStrictEqual([overtaken?.status, isOvertaken], [409, true]);
    assert.equal((await insist(world, run)).status, 201);
    await expectSound(1);
  });

  for (const isAway of [false, true]) {
    const when = isAway ? "by the clock where OpenRouter takes no change meanwhile" : "at once";
    it(`raises a successor that was being made when the raise was approved, ${when}`, async () => {
      const id = await make();
      const end = world.now() + day;
      const body = { keyId: id, limitUsd: 60, until: new Date(end).toISOString(), reason: "A big job." };
      const asked = await startMortal(world).call(owner, "POST", "/v1/raises", { body });
      const approval = { body: { decision: "approve" } };
      const approve = () =>
        startMortal(world).call(admin, "POST", `/v1/admin/raises/${Object(asked?.body).id}`, approval);
      const fault = { kind: "status", status: 503, when: "before" } as const;
      if (isAway) world.openRouter.faults.add({ method: "PATCH", path: "/keys/*", fault });
      let approved: Promise<MortalAnswer | undefined> | undefined;
      const process = startMortal(world, {
        onStep: async (step) => {
          if (process.steps[step]?.startsWith("POST") !== true || approved !== undefined) return;
          approved = approve();
          await approved;
        },
      });
      const kit = await createKit();
      const rotated = await process.call(owner, "POST", `/v1/keys/${id}/rotate`, {
        body: { recipient: kit.recipient, graceSeconds: 3_600 },
        headers: kit.headers,
      });
      world.openRouter.faults.clear();
      const limits = () => world.openRouter.keys().map(({ limit }) => limit);
      const atOnce = limits();
      if (isAway) world.advance(2 * minute);
      await startMortal(world).settleDue();
      const during = limits();
      world.advance(2 * day);
      await startMortal(world).settleDue();
      assert.deepStrictEqual(
        [(await approved)?.status, rotated?.status, atOnce, during, limits()],
        [isAway ? 503 : 200, 201, isAway ? [25, 25] : [60, 60], [60, 60], [25]],
      );
      await expectSound(1);
    });
  }

  for (const skew of [-day, -5 * minute, 5 * minute, day]) {
    it(`cleans up with a clock ${skew / minute} minutes from OpenRouter's`, async () => {
      world.skew(skew);
      await dieAfter({ world, owner, admin, spent: new Map() }, await wish(), "POST");
      for (let made = 0; made < 7; made += 1) await make();
      world.openRouter.faults.turn({ pageSize: 3 });
      world.advance(2 * minute);
      await startMortal(world).settleDue();
      await expectSound(7);
    });
  }

  it("removes a key whose maker was answered with a proxy's page", async () => {
    const { run } = await wish();
    world.openRouter.faults.add({
      method: "POST",
      path: "/keys",
      times: 1,
      fault: { kind: "html", status: 403, when: "after" },
    });
    const first = await run(startMortal(world));
    assert.deepStrictEqual([first?.status, world.openRouter.keys().length], [502, 0]);
    await insist(world, run);
    await expectSound(1);
  });

  const odd = {
    "half of an answer": { kind: "truncated" },
    "a page": { kind: "html", status: 200, when: "after" },
    "other JSON": { kind: "odd-json" },
  } as const;
  for (const [name, fault] of Object.entries(odd)) {
    it(`ends well when each change at OpenRouter is answered with ${name}`, async () => {
      const id = await make();
      const requests: readonly [string, string, unknown][] = [
        ["PATCH", `/v1/keys/${id}`, { name: "desk" }],
        ["DELETE", `/v1/keys/${id}`, undefined],
      ];
      for (const [method, path, body] of requests) {
        world.openRouter.faults.add({
          method: method === "PATCH" ? "PATCH" : "DELETE",
          path: "/keys/*",
          times: 2,
          fault,
        });
        const run = (process: ReturnType<typeof startMortal>) =>
          process.call(owner, method, path, body === undefined ? {} : { body });
        const answer = await insist(world, run);
        assert.ok(answer.status < 300, JSON.stringify(answer.body));
        world.openRouter.faults.clear();
      }
      await expectSound(0);
    });
  }

  it("keeps an administrator's hold whatever the owner asks for, also at the same time", async () => {
    const id = await make();
    const patch = (person: Person, path: string, disabled: boolean) =>
      startMortal(world).call(person, "PATCH", path, { body: { disabled } });
    await patch(admin, `/v1/admin/keys/${id}`, true);
    await patch(owner, `/v1/keys/${id}`, true);
    const enabled = await patch(owner, `/v1/keys/${id}`, false);

    const other = await make();
    await patch(owner, `/v1/keys/${other}`, true);
    let crossed: Promise<MortalAnswer | undefined> | undefined;
    const process = startMortal(world, {
      onStep: async (step) => {
        // The administrator is quicker than the owner's row.
        if (process.steps[step]?.startsWith("PATCH") !== true || crossed !== undefined) return;
        crossed = patch(admin, `/v1/admin/keys/${other}`, true);
        await crossed;
      },
    });
    const raced = await process.call(owner, "PATCH", `/v1/keys/${other}`, { body: { disabled: false } });
    assert.deepStrictEqual(
      [enabled?.status, raced?.status, world.openRouter.keys().map((key) => key.disabled)],
      [403, 403, [true, true]],
    );
  });

  it("ends nobody's access by a run that another one has overtaken", async () => {
    await make();
    const { email } = owner;
    world.google.users.set(email, { id: email, primaryEmail: email, suspended: true });
    let overtaking: string | undefined;
    // It has read that the owner left, then sleeps for longer than its lease; meanwhile the owner is back.
    const sleeper = startMortal(world, {
      onStep: async (step) => {
        if (sleeper.steps[step] !== "longUnknown" || overtaking !== undefined) return;
        world.advance(minute);
        world.google.users.set(email, { id: email, primaryEmail: email });
        overtaking = JSON.stringify(await startMortal(world).runNightly());
      },
    });
    assert.deepStrictEqual(await sleeper.runNightly(), { skipped: "running" });
    assert.match(overtaking ?? "", /"active":2.*"revoked":0/);
    const { isBlocked, sessions } = await readBooks(world, owner.id);
    assert.deepStrictEqual([isBlocked, sessions], [false, 1]);
    await expectSound(1);
  });

  it("serves 30 people while OpenRouter takes 20 calls a second", async () => {
    const people = await Promise.all(Array.from({ length: 30 }, (_, n) => world.enter(`person-${n}@example.com`)));
    world.openRouter.faults.turn({ callsPerSecond: 20 });
    const process = startMortal(world);
    const answers = await Promise.all(
      people.map(async (person) => {
        const { run } = await wish(person);
        let status: number | undefined;
        await until(async () => (status = (await run(process))?.status) === 201, 40_000);
        return status;
      }),
    );
    world.openRouter.faults.turn({ callsPerSecond: null });
    world.advance(2 * minute);
    await startMortal(world).settleDue();
    assert.deepStrictEqual([answers.filter((status) => status !== 201), world.openRouter.keys().length], [[], 30]);
  });
});
