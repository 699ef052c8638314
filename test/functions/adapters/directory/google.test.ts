import assert from "node:assert/strict";

import { createGoogleDirectory } from "../../../../functions/adapters/directory/google.ts";
import type { GoogleDirectoryOptions } from "../../../../functions/adapters/directory/google.ts";
import type { DirectoryPerson } from "../../../../functions/services/directory.ts";
import type { GoogleFaults, GoogleStandIn } from "../../../support/directory/google.ts";
import { googleAdmin, startGoogle } from "../../../support/directory/google.ts";
import { idOf, pagesOf, person, runOnce } from "./rounds.ts";

const canary = 7;
const open: GoogleStandIn[] = [];

async function createHarness(
  count: number,
  overrides: Partial<GoogleDirectoryOptions> & { readonly hasRole?: boolean } = {},
) {
  const { hasRole = false, ...rest } = overrides;
  const google = await startGoogle({ hasRole });
  open.push(google);
  for (let number = 0; number < count; number += 1) {
    google.users.set(idOf(number), { id: idOf(number), primaryEmail: `p${number}@example.com` });
  }
  const { client_email, private_key, private_key_id, token_uri } = google.serviceAccountKey;
  const waits: number[] = [];
  let now = Date.now();
  const directory = createGoogleDirectory({
    url: google.url,
    serviceAccount: {
      email: client_email,
      privateKey: private_key,
      privateKeyId: private_key_id,
      tokenUrl: token_uri,
    },
    subject: hasRole ? undefined : googleAdmin,
    canary: idOf(canary),
    fetch: (url, init) => fetch(url, init),
    wait: async (milliseconds) => void waits.push(milliseconds),
    clock: () => now,
    ...rest,
  });
  const people = Array.from({ length: count }, (_, number) => person(number));
  return {
    google,
    directory,
    people,
    waits,
    advance: (milliseconds: number) => (now += milliseconds),
    check: (whom: readonly DirectoryPerson[] = people) => runOnce(directory, pagesOf(whom)),
  };
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((google) => google.stop()));
});

describe("Google's directory", () => {
  it("is asked about everybody where there are few", async () => {
    const { google, check } = await createHarness(20);
    google.users.set(idOf(1), { id: idOf(1), primaryEmail: "p1@example.com", suspended: true });
    google.users.set(idOf(2), { id: idOf(2), primaryEmail: "p2@example.com", archived: true });
    google.users.set(idOf(3), { id: idOf(3), primaryEmail: "married@example.com", aliases: ["p3@example.com"] });
    google.users.set(idOf(4), {
      id: idOf(4),
      primaryEmail: "p4@example.com",
      deletionTime: "2026-11-20T00:00:00.000Z",
    });
    google.users.delete(idOf(5));
    // Somebody new has a leaver's address.
    google.users.set("999", { id: "999", primaryEmail: "p5@example.com" });
    const { states, counts, canary: seen, ended, sentences } = await check();
    assert.deepStrictEqual(
      { seen, ended, counts, of: [1, 2, 3, 4, 5].map((number) => states[`person-${number}`]), sentences },
      {
        seen: "active",
        ended: true,
        counts: { active: 16, inactive: 3, absent: 1 },
        of: ["inactive", "inactive", "active", "inactive", "absent"],
        sentences: [
          "Google says that the account is suspended.",
          "Google says that the account is archived.",
          "Google says that the account was deleted.",
          "Google has no account with this id.",
        ],
      },
    );
    assert.equal(google.calls.includes("list"), true);
  });

  it("costs 4 calls for 1,000 people of whom nobody is gone, and 22 for 10,000", async () => {
    for (const [count, calls] of [
      [1_000, 4],
      [10_000, 22],
    ] as const) {
      const { google, check } = await createHarness(count);
      const { counts, ended } = await check();
      assert.deepStrictEqual([counts, ended, google.calls.length], [{ listed: count }, true, calls]);
    }
  });

  it("asks about those whom the list does not show as active, and about nobody else", async () => {
    const { google, check } = await createHarness(1_000);
    google.users.set(idOf(1), { id: idOf(1), primaryEmail: "p1@example.com", suspended: true });
    google.users.delete(idOf(2));
    const { counts, states } = await check();
    assert.deepStrictEqual(
      [counts, states["person-1"], states["person-2"], google.calls.filter((call) => call.startsWith("get")).sort()],
      [
        { listed: 998, inactive: 1, absent: 1 },
        "inactive",
        "absent",
        // The canary is asked for again after an absence.
        [`get ${idOf(1)}`, `get ${idOf(2)}`, `get ${idOf(canary)}`, `get ${idOf(canary)}`],
      ],
    );
  });

  it("says of people who have just come back that they are active, whatever the list still shows", async () => {
    const { google, directory } = await createHarness(3, { askAllUpTo: 0 });
    // The list lags: it shows a suspension that the account itself no longer has.
    google.faults.get = { fault: "no-flags", of: () => false };
    google.users.set(idOf(1), { id: idOf(1), primaryEmail: "p1@example.com", suspended: true });
    const people = (async function* () {
      yield [person(0), person(1), person(2)];
    })();
    const events = directory.check(people, undefined, new AbortController().signal);
    const answers = [];
    for await (const event of events) {
      if (event.kind !== "answers") continue;
      answers.push(...event.answers);
      google.users.set(idOf(1), { id: idOf(1), primaryEmail: "p1@example.com" });
    }
    assert.deepStrictEqual(
      answers.map(({ personId, isProven }) => [personId, isProven]),
      [
        ["person-0", false],
        ["person-2", false],
        ["person-1", true],
      ],
    );
    assert.ok(answers.every(({ finding }) => finding.state === "active"));
  });

  it("finds a person by address where the id is not known, and never takes them for a leaver", async () => {
    const { google, check } = await createHarness(10);
    google.users.set(idOf(2), { id: idOf(2), primaryEmail: "p2@example.com", suspended: true });
    google.users.delete(idOf(3));
    const { states, subjects } = await check([1, 2, 3].map((number) => person(number, { subject: undefined })));
    assert.deepStrictEqual(
      [states, subjects],
      [{ "person-1": "active", "person-2": "unknown", "person-3": "unknown" }, { "person-1": idOf(1) }],
    );
  });

  it("answers for one person at once, for a grant", async () => {
    const { google, directory } = await createHarness(10);
    google.users.set(idOf(2), { id: idOf(2), primaryEmail: "p2@example.com", suspended: true });
    google.users.delete(idOf(3));
    const { signal } = new AbortController();
    const answers = await Promise.all([1, 2, 3].map((number) => directory.ask(person(number), signal)));
    assert.deepStrictEqual(
      [answers.map(({ finding, isProven }) => [finding.state, isProven]), google.calls.length],
      [
        [
          ["active", true],
          ["inactive", true],
          // Without a canary in the same breath, "not found" proves nothing.
          ["unknown", true],
        ],
        4,
      ],
    );
  });
});

/** Half the company is suspended indeed, so that wrong answers of either kind would show. */
async function underFaults(count: number, faults: GoogleFaults, overrides: Partial<GoogleDirectoryOptions> = {}) {
  // Short only where a time-out is what is tested: a busy machine is slow without being broken.
  const isHanging = JSON.stringify(faults).includes("hang");
  const harness = await createHarness(count, { ...(isHanging ? { timeoutMs: 400 } : {}), ...overrides });
  for (let number = 0; number < count; number += 2) {
    harness.google.users.set(idOf(number), {
      id: idOf(number),
      primaryEmail: `p${number}@example.com`,
      suspended: true,
    });
  }
  Object.assign(harness.google.faults, faults);
  return { ...harness, round: await harness.check() };
}

describe("Google's directory, out of order", () => {
  const systemic: Readonly<Record<string, GoogleFaults>> = {
    "404 to everybody": { get: { fault: "not-found" } },
    "404 about the domain": { get: { fault: "no-such-domain" } },
    "403 to everybody": { get: { fault: "not-authorized" } },
    "a page of the network in between": { get: { fault: "html" } },
    "such a page with 404": { get: { fault: "html-404" } },
    redirects: { get: { fault: "redirect" } },
    "half an answer": { get: { fault: "truncated" } },
    "connections reset": { get: { fault: "reset" } },
    "500 for ever": { get: { fault: "500" } },
    "429 for ever": { get: { fault: "429" } },
    "too fast, for ever": { get: { fault: "rate-limited" } },
    "no answer in time": { get: { fault: "hang" } },
    "users without their flags": { get: { fault: "no-flags" } },
    "no token": { token: "refuses" },
    "no answer from the token endpoint": { token: "hang" },
    "a token endpoint that is a web page": { token: "html" },
    "the delegated administrator gone": { isAdminGone: true },
  };
  for (const [name, faults] of Object.entries(systemic)) {
    it(`knows nothing of anybody: ${name}`, async () => {
      const { round, google } = await underFaults(40, faults);
      assert.deepStrictEqual([round.counts, round.ended], [{ unknown: 40 }, true]);
      assert.notEqual(round.canary, "active");
      assert.ok(round.sentences.every((sentence) => /^[A-Z].*\.$/.test(sentence)));
      assert.ok(google.calls.length <= 41 * 3 + 3);
    });
  }

  it("leaves the token endpoint alone after a few failures, and says who may have left", async () => {
    const { round, google } = await underFaults(40, { isAdminGone: true });
    assert.ok(google.calls.length <= 45);
    assert.deepStrictEqual(round.sentences, [
      "Google refused the service account in the name of GOOGLE_DIRECTORY_SUBJECT, who may have left (invalid_grant).",
    ]);
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

  it("takes nobody for absent when the canary is gone a moment after", async () => {
    const harness = await createHarness(10);
    harness.google.users.delete(idOf(1));
    let asked = 0;
    harness.google.faults.get = {
      fault: "not-found",
      of: (id) => id === idOf(canary) && ++asked > 1,
    };
    const { states, counts } = await harness.check();
    assert.deepStrictEqual([states["person-1"], counts["absent"]], ["unknown", undefined]);
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

  it("follows no redirect with its token", async () => {
    const { google } = await underFaults(3, { get: { fault: "redirect" } });
    assert.equal(google.calls.includes("elsewhere"), false);
  });

  it("believes no 404 without a canary", async () => {
    const { google, check } = await createHarness(10, { canary: undefined });
    google.users.delete(idOf(1));
    google.users.set(idOf(2), { id: idOf(2), primaryEmail: "p2@example.com", suspended: true });
    const { canary: seen, counts } = await check();
    assert.deepStrictEqual([seen, counts], ["none", { active: 8, unknown: 1, inactive: 1 }]);
  });

  it("takes the canary by address too", async () => {
    const { google, check } = await createHarness(10, { canary: "P7@example.com" });
    google.users.delete(idOf(1));
    const { canary: seen, counts } = await check();
    assert.deepStrictEqual([seen, counts], ["active", { active: 9, absent: 1 }]);
  });

  const lists: readonly (readonly [string, GoogleFaults["list"]])[] = [
    ["empty pages without an end", "empty-pages"],
    ["the same page for ever", "same-page"],
    ["the same token for ever", "same-token"],
    ["a list that is a web page", "html"],
    ["a list that is refused", "not-authorized"],
    ["a list that never comes", "hang"],
  ];
  for (const [name, list] of lists) {
    it(`asks one by one while the canary holds: ${name}`, async () => {
      const { round, google } = await underFaults(30, list === undefined ? {} : { list }, { askAllUpTo: 5 });
      const { listed = 0, active = 0, inactive } = round.counts;
      assert.deepStrictEqual([listed + active, inactive, round.ended], [15, 15, true]);
      assert.ok(google.calls.filter((call) => call === "list").length <= 5);
    });

    it(`asks nobody when neither the canary holds: ${name}`, async () => {
      const faults: GoogleFaults = { get: { fault: "not-authorized" }, ...(list === undefined ? {} : { list }) };
      const { round, google } = await underFaults(30, faults, { askAllUpTo: 5 });
      const { listed = 0, unknown } = round.counts;
      assert.equal(listed + (unknown ?? 0), 30);
      assert.deepStrictEqual(
        google.calls.filter((call) => call.startsWith("get")),
        [`get ${idOf(canary)}`],
      );
    });
  }

  it("asks again what was asked too fast, with growing pauses, and as late as Google says", async () => {
    const fast = await createHarness(1);
    fast.google.faults.get = { fault: "rate-limited", times: 2 };
    const { signal } = new AbortController();
    const answer = await fast.directory.ask(person(0), signal);
    assert.equal(answer.finding.state, "active");
    const [first = 0, second = 0] = fast.waits;
    assert.ok(first >= 200 && first <= 600 && second >= 400 && second <= 1_200);

    const late = await createHarness(1);
    late.google.faults.get = { fault: "429", times: 1 };
    assert.equal((await late.directory.ask(person(0), signal)).finding.state, "active");
    assert.equal(Math.floor((late.waits[0] ?? 0) / 1_000), 7);
  });

  it("keeps a token until five minutes before its end, and takes another when it is refused", async () => {
    const { google, directory, advance } = await createHarness(1);
    const { signal } = new AbortController();
    const tokens = () => google.calls.filter((call) => call === "token").length;
    const counts = [];
    for (const milliseconds of [0, 54 * 60_000, 2 * 60_000]) {
      advance(milliseconds);
      await directory.ask(person(0), signal);
      counts.push(tokens());
    }
    google.expireTokens();
    assert.equal((await directory.ask(person(0), signal)).finding.state, "active");
    assert.deepStrictEqual([...counts, tokens()], [1, 1, 2, 3]);
  });

  it("signs for the administrator, or for itself where it has a role", async () => {
    const delegated = await createHarness(1);
    const own = await createHarness(600, { hasRole: true });
    const { signal } = new AbortController();
    await delegated.directory.ask(person(0), signal);
    const { counts } = await own.check();
    assert.deepStrictEqual(
      [delegated.google.assertions[0]?.["sub"], own.google.assertions[0]?.["sub"], counts],
      [googleAdmin, undefined, { listed: 600 }],
    );
  });

  it("says that a private key cannot be used, and quotes nothing of it", async () => {
    const { directory } = await createHarness(1, {
      serviceAccount: {
        email: "directory@project.example",
        privateKey: "-----BEGIN PRIVATE KEY-----planted",
        privateKeyId: undefined,
        tokenUrl: "http://127.0.0.1:9/token",
      },
    });
    const { finding } = await directory.ask(person(0), new AbortController().signal);
    assert.deepStrictEqual(finding, {
      state: "unknown",
      reason: "The private key in GOOGLE_SA_KEY_JSON cannot be used.",
      isAlarming: false,
    });
  });

  it("stops where it is when its time is up, without an end", async () => {
    const { google, directory, people } = await createHarness(600);
    const stopping = new AbortController();
    const round = runOnce(
      directory,
      (async function* () {
        yield* pagesOf(people, 550);
        stopping.abort();
        yield [person(1_000)];
      })(),
      undefined,
      stopping.signal,
    );
    const { counts, ended } = await round;
    assert.deepStrictEqual([counts, ended], [{ listed: 600 }, false]);
    assert.equal(google.calls.includes(`get ${idOf(1_000)}`), false);
  });
});
