import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";

import { faultsAtRest, faultsNow, readBooks } from "../../support/books.ts";
import { googleAdmin } from "../../support/directory/google.ts";
import { copyTemplate } from "../../support/databases.ts";
import { bundleFunction } from "../../support/function-process.ts";
import { createKit } from "../../support/function.ts";
import type { Person, World } from "../../support/mortal.ts";
import { createWorldOn, settingsIn, startMortal } from "../../support/mortal.ts";
import { until } from "../../support/until.ts";

/** What a scheduler gets to see of one start of the trigger. */
interface Ended {
  readonly code: number | null;
  readonly output: string;
}

describe("npm run nightly", function () {
  this.timeout(120_000);
  let program: string;
  let world: World;
  let settings: Readonly<Record<string, string>>;
  const started: ChildProcess[] = [];

  before(async () => {
    program = (await bundleFunction()).nightly;
  });
  beforeEach(async () => {
    const url = await copyTemplate();
    world = await createWorldOn(url, 4);
    settings = {
      DATABASE_URL: url,
      ...settingsIn(world),
      GOOGLE_SA_KEY_JSON: JSON.stringify(world.google.serviceAccountKey),
      GOOGLE_DIRECTORY_SUBJECT: googleAdmin,
      GOOGLE_DIRECTORY_URL: world.google.url,
      DIRECTORY_CANARY: "canary@example.com",
      NIGHTLY_MODE: "enforce",
      // Far from UTC, and with summer time: no time of day and no day of the week may matter.
      TZ: "Pacific/Chatham",
    };
  });
  afterEach(async () => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
    await world.stop();
  });

  function start(further: Readonly<Record<string, string>> = {}): {
    readonly child: ChildProcess;
    readonly ended: Promise<Ended>;
  } {
    const child = spawn(process.execPath, [program], {
      env: { PATH: process.env["PATH"], ...settings, ...further },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    return { child, ended: once(child, "close").then(() => ({ code: child.exitCode, output })) };
  }

  async function join(name: string): Promise<Person> {
    const person = await world.enter(`${name}@example.com`);
    const kit = await createKit();
    const body = { name: "laptop", limitUsd: 5, recipient: kit.recipient };
    const answer = await startMortal(world).call(person, "POST", "/v1/keys", { body, headers: kit.headers });
    assert.equal(answer?.status, 201);
    return person;
  }

  function leave({ email }: Person): void {
    world.google.users.set(email, { id: email, primaryEmail: email, suspended: true });
  }

  const isDisabled = (person: Person) =>
    world.openRouter
      .keys()
      .filter((key) => key.name.includes(`(${person.email})`))
      .map((key) => key.disabled);

  async function expectSound(person: Person): Promise<void> {
    const ceiling = { budgetCents: 10_000, spent: new Map<string, number>(), now: Date.now() };
    const books = await readBooks(world, person.id);
    assert.deepStrictEqual([...faultsNow(books, ceiling), ...faultsAtRest(books, ceiling)], []);
  }

  it("ends leavers' access and with 0, and prints counts without a name", async () => {
    const [grace, linus] = [await join("grace"), await join("linus")];
    leave(grace);
    const { code, output } = await start().ended;
    assert.equal(code, 0, output);
    assert.deepStrictEqual([isDisabled(grace), isDisabled(linus)], [[true], [false]]);
    assert.match(output, /"event":"nightly".*"revoked":1/);
    assert.doesNotMatch(output, /@|sk-or|PRIVATE/);
    await expectSound(grace);
    // Not long ago: nothing is done, which is no fault either.
    const again = await start().ended;
    assert.deepStrictEqual([again.code, /"skipped":"recent"/.test(again.output)], [0, true], again.output);
  });

  it("ends with 2 when a list waits for an administrator, and with 1 when it cannot work", async () => {
    const people = [];
    for (const name of ["w1", "w2", "w3", "w4"]) people.push(await join(name));
    for (const person of people) leave(person);
    const tripped = await start().ended;
    assert.equal(tripped.code, 2, tripped.output);
    assert.deepStrictEqual(people.flatMap(isDisabled), [false, false, false, false]);
    const broken = await start({ NIGHTLY_MODE: "maybe" }).ended;
    assert.deepStrictEqual([broken.code, /NIGHTLY_MODE/.test(broken.output)], [1, true], broken.output);
    const away = await start({ DATABASE_URL: "postgres://nobody:secret@127.0.0.1:9/none" }).ended;
    assert.deepStrictEqual([away.code, /secret/.test(away.output)], [1, false], away.output);
  });

  it("does each thing once when two start at once", async () => {
    const people = [];
    for (const name of ["w1", "w2", "w3"]) people.push(await join(name));
    for (const person of people) leave(person);
    world.openRouter.clearRequests();
    const both = await Promise.all([start(), start()].map(({ ended }) => ended));
    assert.deepStrictEqual(
      both.map(({ code }) => code),
      [0, 0],
      both.map(({ output }) => output).join("\n"),
    );
    assert.equal(both.filter(({ output }) => /"revoked":3/.test(output)).length, 1);
    const disabled = world.openRouter.requests.filter((request) => request.method === "PATCH").length;
    assert.deepStrictEqual([people.flatMap(isDisabled), disabled], [[true, true, true], 3]);
    for (const person of people) await expectSound(person);
  });

  it("takes over from a run that was killed while OpenRouter was told, within 25 seconds", async () => {
    const grace = await join("grace");
    leave(grace);
    const { openRouter } = world;
    openRouter.clearRequests();
    openRouter.faults.add({ method: "PATCH", path: "/keys/*", times: 1, fault: { kind: "hang", when: "before" } });
    const killed = start();
    await until(() => openRouter.requests.some((request) => request.method === "PATCH"));
    killed.child.kill("SIGKILL");
    await killed.ended;
    // The session is over already; the key is not.
    assert.deepStrictEqual([(await readBooks(world, grace.id)).sessions, isDisabled(grace)], [0, [false]]);
    // It waits for no more than 25 seconds, and for what the killed one had taken hold of.
    const { code, output } = await start().ended;
    assert.deepStrictEqual([code, isDisabled(grace)], [0, [true]], output);
    assert.match(output, /"revoked":1,"failed":0/);
    await expectSound(grace);
  });
});
