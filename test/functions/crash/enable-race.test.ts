import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";

import { ne, sql } from "drizzle-orm";

import { keys, sessions } from "../../../functions/adapters/postgres/schema.ts";
import { databaseKinds } from "../../support/databases.ts";
import { createKit } from "../../support/function.ts";
import type { Person, World } from "../../support/mortal.ts";
import { createWorld, startMortal } from "../../support/mortal.ts";
import { randomFrom } from "../../support/random.ts";

const people = 50;
const rounds = 20;

describe("enabling a key while its owner is found to have left", function () {
  this.timeout(180_000);
  let world: World;
  let admin: Person;

  before(async () => {
    const plan = { match: "everyone", maxKeys: 3, createsPerHour: 1_000 };
    const settings = { ADMIN_EMAILS: "admin@example.com", PLANS: JSON.stringify([plan]) };
    world = await createWorld(await databaseKinds[1].openWithView(), settings);
    admin = await world.enter("admin@example.com");
  });
  after(() => world.stop());

  async function keep(person: Person): Promise<string> {
    const kit = await createKit();
    const body = { name: "laptop", limitUsd: 5, recipient: kit.recipient };
    const answer = await startMortal(world).call(person, "POST", "/v1/keys", { body, headers: kit.headers });
    const { key } = Object(answer?.body);
    await startMortal(world).call(person, "PATCH", `/v1/keys/${key.id}`, { body: { disabled: true } });
    return String(key.id);
  }

  /** The list is too long for a day, and an administrator says yes to it. */
  async function approve(): Promise<void> {
    await startMortal(world).runNightly();
    const run = await world.stores.nightly.latestRun();
    const body = { candidatesHash: run?.candidatesHash };
    const answer = await startMortal(world).call(admin, "POST", `/v1/admin/runs/${run?.id}/approve`, { body });
    assert.equal(answer?.status, 200, JSON.stringify(answer?.body));
  }

  /** As if nobody had ever left, with every key disabled: making them anew each time would take minutes. */
  async function startOver(): Promise<void> {
    await world.database.execute(sql`update owners set blocked_at = null, block_approved = false`);
    await world.database.execute(sql`
      update keys set phase = 'live', disabled = true, revoked_at = null, ended_at = null, charged_until = null,
        lease_until = 'epoch'`);
  }

  // The directory is asked by the run alone here, so that nothing but what guards the key itself is in the way.
  it("leaves no leaver with a key that works, in 1,000 races", async () => {
    const random = randomFrom(1);
    const emails = Array.from({ length: people }, (_, n) => `racer-${n}@example.com`);
    const keyIds = new Map<string, string>();
    for (const email of emails) keyIds.set(email, await keep(await world.enter(email)));
    let reached = 0;
    const enable = async (person: Person) => {
      const keyId = keyIds.get(person.email) ?? "";
      const by = random() < 0.25 ? admin : person;
      const path = by === admin ? `/v1/admin/keys/${keyId}` : `/v1/keys/${keyId}`;
      const pause = async () => {
        for (let turns = random() ** 3 * 200; turns > 0; turns -= 1) await setImmediate();
      };
      const answer = await startMortal(world, { onStep: pause }).call(by, "PATCH", path, { body: { disabled: false } });
      assert.ok([200, 401, 409].includes(answer?.status ?? 0), JSON.stringify(answer));
    };
    for (let round = 0; round < rounds; round += 1) {
      await startOver();
      world.openRouter.clearRequests();
      const racers = await Promise.all(emails.map((email) => world.enter(email)));
      for (const { email } of racers) {
        world.google.users.set(email, { id: email, primaryEmail: email, suspended: true });
      }
      // The yes to these very people holds for three days.
      if (round === 0) await approve();
      world.advance(1_000);
      // All begin right before the leavers are blocked, and each goes on at its own pace.
      const racing: Promise<void>[] = [];
      const run = startMortal(world, {
        onStep: async (step) => {
          if (run.steps[step] === "countHolders") racing.push(...racers.map(enable));
        },
      });
      await run.runNightly();
      await Promise.all(racing);
      // What was held while it was enabled is for the clock, a moment later.
      world.advance(60_000);
      await startMortal(world).settleDue();
      reached += world.openRouter.requests.filter(
        ({ method, body }) => method === "PATCH" && Object(body).disabled === false,
      ).length;
      const rows = await world.database.select({ phase: keys.phase, disabled: keys.disabled }).from(keys);
      assert.deepStrictEqual(
        {
          rows: rows.filter(({ phase, disabled }) => phase !== "revoked" || !disabled),
          upstream: world.openRouter.keys().filter(({ disabled }) => !disabled),
          sessions: await world.database.$count(sessions, ne(sessions.ownerId, admin.id)),
        },
        { rows: [], upstream: [], sessions: 0 },
        `round ${round}`,
      );
    }
    assert.ok(reached > rounds, `only ${reached} keys were enabled at OpenRouter for a moment`);
  });
});
