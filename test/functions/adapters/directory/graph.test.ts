import assert from "node:assert/strict";

import { createGraphDirectory } from "../../../../functions/adapters/directory/graph.ts";
import type { GraphDirectoryOptions } from "../../../../functions/adapters/directory/graph.ts";
import type { DirectoryPerson } from "../../../../functions/services/directory.ts";
import type { GraphFaults, GraphStandIn } from "../../../support/directory/graph.ts";
import { startGraph } from "../../../support/directory/graph.ts";
import { idOf, pagesOf, person, runOnce } from "./rounds.ts";

const canary = 7;
const open: GraphStandIn[] = [];

async function createHarness(count: number, overrides: Partial<GraphDirectoryOptions> = {}) {
  const graph = await startGraph();
  open.push(graph);
  const user = (number: number) => ({
    id: idOf(number),
    userPrincipalName: `p${number}@example.com`,
    accountEnabled: true,
  });
  for (let number = 0; number < count; number += 1) graph.put(user(number));
  const waits: number[] = [];
  let now = Date.parse("2026-11-25T02:00:00Z");
  const directory = createGraphDirectory({
    url: graph.url,
    loginUrl: graph.origin,
    tenantId: graph.tenantId,
    clientId: graph.clientId,
    clientSecret: graph.clientSecret,
    canary: idOf(canary),
    fetch: (url, init) => fetch(url, init),
    wait: async (milliseconds) => void waits.push(milliseconds),
    clock: () => now,
    ...overrides,
  });
  const people = Array.from({ length: count }, (_, number) => person(number));
  return {
    graph,
    directory,
    people,
    waits,
    advance: (milliseconds: number) => (now += milliseconds),
    disable: (number: number) => graph.put({ ...user(number), accountEnabled: false }),
    remove: (number: number) => graph.put({ ...user(number), isDeleted: true }),
    check: (whom: readonly DirectoryPerson[] = people, memory?: string) => runOnce(directory, pagesOf(whom), memory),
  };
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((graph) => graph.stop()));
});

describe("Microsoft Entra", () => {
  it("is asked about everybody, twenty at a time, where there are few", async () => {
    const { graph, check, disable, remove } = await createHarness(45);
    disable(1);
    remove(2);
    graph.users.delete(idOf(3));
    const { states, counts, canary: seen, ended, sentences } = await check();
    assert.deepStrictEqual(
      { seen, ended, counts, of: [1, 2, 3].map((number) => states[`person-${number}`]), sentences },
      {
        seen: "active",
        ended: true,
        counts: { active: 42, inactive: 2, absent: 1 },
        of: ["inactive", "inactive", "absent"],
        sentences: [
          "Microsoft Entra says that the account is disabled.",
          "Microsoft Entra says that the account was deleted.",
          "Microsoft Entra has no account with this id.",
        ],
      },
    );
    assert.deepStrictEqual(graph.calls.filter((call) => call.startsWith("batch")).sort(), [
      "batch 2",
      "batch 20",
      "batch 20",
      "batch 5",
    ]);
  });

  it("costs 5 calls for 1,000 people of whom nobody is gone, and 14 for 10,000; then 2 a night", async () => {
    for (const [count, calls] of [
      [1_000, 5],
      [10_000, 14],
    ] as const) {
      const { graph, check, people } = await createHarness(count);
      const first = await check();
      assert.deepStrictEqual([first.counts, first.ended, graph.calls.length], [{ listed: count }, true, calls]);
      graph.calls.length = 0;
      const second = await check(
        people.map((each) => ({ ...each, wasActive: true })),
        first.memory,
      );
      assert.deepStrictEqual([second.counts, second.ended], [{ listed: count }, true]);
      assert.deepStrictEqual(graph.calls, [`get ${idOf(canary)}`, "delta"]);
    }
  });

  it("asks about those who changed, and those it has not seen active before", async () => {
    const { graph, check, people, disable, remove } = await createHarness(600);
    const { memory } = await check();
    disable(1);
    remove(2);
    disable(3);
    graph.put({ id: idOf(3), userPrincipalName: "p3@example.com", accountEnabled: true });
    graph.calls.length = 0;
    const known = people.map((each) => ({ ...each, wasActive: each.personId !== "person-4" }));
    const { states, counts, ended, memory: next } = await check(known, memory);
    assert.deepStrictEqual(
      [counts, ended, [1, 2, 3, 4].map((number) => states[`person-${number}`]), graph.calls.includes("list")],
      [{ listed: 596, inactive: 2, active: 2 }, true, ["inactive", "inactive", "active", "active"], false],
    );
    assert.notEqual(next, memory);
  });

  const unusable: Readonly<Record<string, (harness: Awaited<ReturnType<typeof createHarness>>) => string | undefined>> =
    {
      "Graph no longer knows": ({ graph }) => {
        graph.faults.delta = "expired";
        return undefined;
      },
      "is six days old": ({ advance }) => {
        advance(6 * 24 * 3_600_000);
        return undefined;
      },
      "is from the future": ({ advance }) => {
        advance(-1);
        return undefined;
      },
      "is no memory": () => "{planted",
      "points elsewhere": ({ graph }) =>
        JSON.stringify({
          deltaLink: graph.url.replace("127.0.0.1", "localhost").concat("/users/delta?$deltatoken=1"),
          listedAt: Date.parse("2026-11-25T02:00:00Z"),
        }),
      "points to another path": ({ graph }) =>
        JSON.stringify({ deltaLink: `${graph.url}/users/../me`, listedAt: Date.parse("2026-11-25T02:00:00Z") }),
    };
  for (const [name, spoil] of Object.entries(unusable)) {
    it(`lists everybody anew when what was remembered ${name}`, async () => {
      const harness = await createHarness(600);
      const { memory } = await harness.check();
      harness.disable(1);
      const spoilt = spoil(harness) ?? memory;
      harness.graph.calls.length = 0;
      const known = harness.people.map((each) => ({ ...each, wasActive: true }));
      const { counts, ended, memory: next } = await harness.check(known, spoilt);
      assert.deepStrictEqual([counts, ended, next === undefined], [{ listed: 599, inactive: 1 }, true, false]);
      assert.ok(harness.graph.calls.includes("list"));
    });
  }

  it("keeps what it remembered when the changes cannot be read just now, and asks one by one", async () => {
    const { graph, check, people, disable } = await createHarness(600);
    const { memory } = await check();
    disable(1);
    graph.faults.delta = "500";
    const known = people.map((each) => ({ ...each, wasActive: true }));
    const { counts, memory: next } = await check(known, memory);
    assert.deepStrictEqual([counts, next], [{ active: 599, inactive: 1 }, memory]);
  });

  it("lists by the list of changes where the short way is not known", async () => {
    const { graph, check, disable } = await createHarness(600);
    graph.faults.delta = "unknown-token";
    disable(1);
    const { counts, memory } = await check();
    assert.deepStrictEqual([counts, memory === undefined], [{ listed: 599, inactive: 1 }, false]);
    assert.deepStrictEqual(
      graph.calls.filter((call) => call === "delta" || call === "list"),
      ["delta", "delta", "delta", "delta"],
    );
  });

  it("finds a person by address where the object id is not known", async () => {
    const { check, disable } = await createHarness(10);
    disable(2);
    const { states, subjects } = await check([1, 2, 33].map((number) => person(number, { subject: undefined })));
    assert.deepStrictEqual(
      [states, subjects],
      [{ "person-1": "active", "person-2": "unknown", "person-33": "unknown" }, { "person-1": idOf(1) }],
    );
  });

  it("answers for one person at once, for a grant", async () => {
    const { directory, disable } = await createHarness(10);
    disable(2);
    const { signal } = new AbortController();
    const answers = await Promise.all([1, 2, 33].map((number) => directory.ask(person(number), signal)));
    assert.deepStrictEqual(
      answers.map(({ finding, isProven }) => [finding.state, isProven]),
      [
        ["active", true],
        ["inactive", true],
        ["unknown", true],
      ],
    );
  });
});

async function underFaults(count: number, faults: GraphFaults, overrides: Partial<GraphDirectoryOptions> = {}) {
  // Short only where a time-out is what is tested: a busy machine is slow without being broken.
  const isHanging = JSON.stringify(faults).includes("hang");
  const harness = await createHarness(count, { ...(isHanging ? { timeoutMs: 400 } : {}), ...overrides });
  for (let number = 0; number < count; number += 2) harness.disable(number);
  Object.assign(harness.graph.faults, faults);
  return { ...harness, round: await harness.check() };
}

describe("Microsoft Entra, out of order", () => {
  const systemic: Readonly<Record<string, GraphFaults>> = {
    "404 to everybody": { get: { fault: "not-found" } },
    "403 to everybody": { get: { fault: "not-authorized" } },
    "throttled for ever": { get: { fault: "throttled" } },
    "users without their flag": { get: { fault: "no-flag" } },
    "everybody left out": { get: { fault: "left-out" } },
    "two answers about everybody": { get: { fault: "twice" } },
    "a batch that is a web page": { batch: "html" },
    "a batch that is refused": { batch: "403" },
    "a batch that fails for ever": { batch: "500" },
    "a batch that never comes": { batch: "hang" },
    "connections reset": { batch: "reset" },
    redirects: { batch: "redirect" },
    "no token": { token: "refuses" },
    "no answer from the token endpoint": { token: "hang" },
    "a token endpoint that is a web page": { token: "html" },
  };
  for (const [name, faults] of Object.entries(systemic)) {
    it(`knows nothing of anybody: ${name}`, async () => {
      const { round } = await underFaults(45, faults);
      assert.deepStrictEqual([round.counts, round.ended], [{ unknown: 45 }, true]);
      assert.ok(round.sentences.every((sentence) => /^[A-Z].*\.$/.test(sentence)));
    });
  }

  it("classifies each item of a batch by itself, and sends throttled ones again as late as Graph says", async () => {
    const { graph, check, waits, disable } = await createHarness(20);
    disable(1);
    graph.faults.get = { fault: "throttled", of: (id) => id === idOf(1) || id === idOf(2), times: 3 };
    const { counts } = await check();
    assert.deepStrictEqual(
      // As long as Graph says, and at most 1.2 s more, so that not everybody comes back at once.
      [counts, graph.calls.filter((call) => call.startsWith("batch")), waits.map((ms) => ms >= 3_000 && ms <= 4_200)],
      [{ active: 19, inactive: 1 }, ["batch 20", "batch 2", "batch 1"], [true, true]],
    );
  });

  it("does not know those who are left out of an otherwise good batch", async () => {
    const { graph, check } = await createHarness(20);
    graph.faults.get = { fault: "left-out", of: (id) => id === idOf(3) };
    const { states, counts, sentences } = await check();
    assert.deepStrictEqual(
      [states["person-3"], counts, sentences],
      ["unknown", { active: 19, unknown: 1 }, ["Microsoft Graph left the person out of a batch's answer."]],
    );
  });

  it("takes nobody for absent when half of all is not found, unless the canary is", async () => {
    const isOdd = (id: string) => Number(id) % 2 === 1;
    const canaryToo = await underFaults(40, { get: { fault: "not-found", of: isOdd } });
    const canaryFine = await underFaults(40, {
      get: { fault: "not-found", of: (id) => isOdd(id) && id !== idOf(canary) },
    });
    assert.deepStrictEqual(
      [canaryToo.round.counts, canaryFine.round.counts],
      [
        { inactive: 20, unknown: 20 },
        { inactive: 20, absent: 19, active: 1 },
      ],
    );
  });

  it("takes nobody for absent whom it has never known", async () => {
    const { check } = await createHarness(10);
    const { states, counts } = await check([person(1), person(50, { wasSeen: false }), person(51)]);
    assert.deepStrictEqual(
      [states, counts],
      [
        { "person-1": "active", "person-50": "unknown", "person-51": "absent" },
        { active: 1, unknown: 1, absent: 1 },
      ],
    );
  });

  it("leaves an absence unconfirmed when the deleted items may not be read", async () => {
    const { graph, check, remove } = await createHarness(10);
    remove(1);
    graph.faults.deletedItems = "not-authorized";
    assert.equal((await check()).states["person-1"], "absent");
  });

  const lists: readonly (readonly [string, GraphFaults["list"]])[] = [
    ["empty pages without an end", "empty-pages"],
    ["the same page for ever", "same-page"],
    ["a list that goes on elsewhere", "elsewhere"],
    ["a list that is a web page", "html"],
    ["a list that is refused", "403"],
    ["a list that never comes", "hang"],
  ];
  for (const [name, list] of lists) {
    it(`reads the list of changes instead: ${name}`, async () => {
      const { round, graph } = await underFaults(30, list === undefined ? {} : { list }, { askAllUpTo: 5 });
      assert.deepStrictEqual([round.counts, round.ended], [{ listed: 15, inactive: 15 }, true]);
      assert.ok(graph.calls.includes("list"));
      assert.ok(graph.calls.filter((call) => call === "list").length <= 4);
      assert.notEqual(round.memory, undefined);
    });
  }

  it("asks one by one while the canary holds when no list can be read", async () => {
    const { round } = await underFaults(30, { delta: "html" }, { askAllUpTo: 5 });
    assert.deepStrictEqual([round.counts, round.ended, round.memory], [{ active: 15, inactive: 15 }, true, undefined]);
  });

  it("asks nobody when neither the list nor the canary works", async () => {
    const { round, graph } = await underFaults(
      30,
      { get: { fault: "not-authorized" }, delta: "not-allowed" },
      { askAllUpTo: 5 },
    );
    assert.deepStrictEqual(
      [round.counts, round.sentences, graph.calls.filter((call) => call.startsWith("batch"))],
      [{ unknown: 30 }, ["Microsoft Graph answered 403 for the list of users."], []],
    );
  });

  it("says what was refused, and quotes no secret", async () => {
    const { round, graph } = await underFaults(3, { token: "refuses" });
    assert.deepStrictEqual(round.sentences, [
      "Microsoft Entra refused the application; its secret may have run out (invalid_client).",
    ]);
    assert.ok(!JSON.stringify(round).includes(graph.clientSecret));
  });
});
