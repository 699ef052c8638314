import assert from "node:assert/strict";

import { databaseKinds } from "../../support/databases.ts";
import { faultsAtRest, faultsNow, readBooks } from "../../support/books.ts";
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

  // The directory is asked by the run alone here, so that nothing but what guards the key itself is in the way.
  it("leaves no leaver with a key that works, in 1,000 races", async () => {
    let enabledFirst = 0;
    for (let round = 0; round < rounds; round += 1) {
      const random = randomFrom(round + 1);
      const racers = await Promise.all(
        Array.from({ length: people }, async (_, n) => {
          const person = await world.enter(`racer-${round}-${n}@example.com`);
          return { person, keyId: await keep(person) };
        }),
      );
      for (const { email } of racers.map(({ person }) => person)) {
        world.google.users.set(email, { id: email, primaryEmail: email, suspended: true });
      }
      await approve();
      world.advance(1_000);
      // Each begins at a step of the run, from where the leavers are blocked to where their keys are seen disabled.
      const waiting = racers.map((racer) => ({ ...racer, at: Math.floor(random() * 160) }));
      const racing: Promise<void>[] = [];
      let blockedAt: number | undefined;
      const enable = async ({ person, keyId }: { readonly person: Person; readonly keyId: string }) => {
        const by = random() < 0.25 ? admin : person;
        const path = by === admin ? `/v1/admin/keys/${keyId}` : `/v1/keys/${keyId}`;
        const answer = await startMortal(world).call(by, "PATCH", path, { body: { disabled: false } });
        if (answer?.status === 200) enabledFirst += 1;
        else assert.ok([401, 409].includes(answer?.status ?? 0), JSON.stringify(answer));
      };
      const run = startMortal(world, {
        onStep: async (step) => {
          if (run.steps[step] === "longUnknown") blockedAt = step;
          if (blockedAt === undefined) return;
          for (const racer of waiting.splice(0, waiting.length)) {
            if (racer.at > step - blockedAt) waiting.push(racer);
            else racing.push(enable(racer));
          }
        },
      });
      await run.runNightly();
      racing.push(...waiting.splice(0).map(enable));
      await Promise.all(racing);
      // What was held while it was enabled is for the clock, a moment later.
      world.advance(60_000);
      await startMortal(world).settleDue();
      for (const { person } of racers) {
        const books = await readBooks(world, person.id);
        const ceiling = { budgetCents: 10_000, spent: new Map<string, number>(), now: world.now() };
        const faults = [...faultsNow(books, ceiling), ...faultsAtRest(books, ceiling)];
        assert.deepStrictEqual(
          [
            books.isBlocked,
            books.rows.map(({ phase }) => phase),
            books.upstream.map(({ disabled }) => disabled),
            faults,
          ],
          [true, ["revoked"], [true], []],
          person.email,
        );
        await world.forget(person.id, books);
      }
    }
    assert.ok(enabledFirst > 0, "nobody was ever as fast as the run");
  });
});
