import assert from "node:assert/strict";

import { createGoogleDirectory } from "../../../../functions/adapters/directory/google.ts";
import type { Approval, Standing } from "../../../../functions/policy/offboarding.ts";
import { applyBrake, assess, cleanStanding } from "../../../../functions/policy/offboarding.ts";
import type { GoogleFaults, GoogleStandIn } from "../../../support/directory/google.ts";
import { startGoogle } from "../../../support/directory/google.ts";
import { randomFrom } from "../../../support/random.ts";
import { idOf, pagesOf, person } from "./rounds.ts";

const hour = 3_600_000;
const count = 20;
const canary = count;

/** What a directory may do in a night. A fault that takes a few people away for good cannot be told from departures. */
const nights: readonly GoogleFaults[] = [
  { get: { fault: "not-found" } },
  { get: { fault: "not-found", of: (id) => Number(id) % 2 === 0 } },
  { get: { fault: "not-found", of: (id) => Number(id) % 2 === 0 && id !== idOf(canary) } },
  { get: { fault: "no-such-domain" } },
  { get: { fault: "not-authorized" } },
  { get: { fault: "html-404" } },
  { get: { fault: "reset", times: 20 } },
  { get: { fault: "500", of: (id) => Number(id) % 3 === 0 } },
  { get: { fault: "no-flags", of: (id) => Number(id) % 5 === 0 } },
  { get: { fault: "rate-limited", times: 30 } },
  { list: "same-page" },
  { list: "empty-pages" },
  { list: "html" },
  { list: "not-authorized", get: { fault: "not-found" } },
  { token: "refuses" },
  { isAdminGone: true },
];

/** Thirty nights of one company, by the seed: who was revoked wrongly, and who has left and was not revoked. */
async function liveThrough(google: GoogleStandIn, seed: number) {
  const random = randomFrom(seed);
  const holders = new Set(Array.from({ length: count }, (_, number) => number));
  const left = new Set<number>();
  const standings = new Map<string, Standing>();
  const revocations: number[] = [];
  const wrong: number[] = [];
  let approval: Approval | undefined;
  let fault: GoogleFaults = {};
  let now = Date.parse("2026-11-25T02:00:00Z");
  google.users.clear();
  for (let number = 0; number <= count; number += 1) {
    google.users.set(idOf(number), { id: idOf(number), primaryEmail: `p${number}@example.com` });
  }
  const { client_email, private_key, token_uri } = google.serviceAccountKey;
  const directory = createGoogleDirectory({
    url: google.url,
    serviceAccount: { email: client_email, privateKey: private_key, privateKeyId: undefined, tokenUrl: token_uri },
    subject: "admin@example.com",
    canary: idOf(canary),
    fetch: (url, init) => fetch(url, init),
    wait: async () => {},
    clock: () => now,
    askAllUpTo: seed % 2 === 0 ? 500 : 5,
  });

  for (let night = 0; night < 30; night += 1) {
    const isCalm = night >= 22;
    now += Math.floor((0.2 + random()) * 12 * hour);
    for (const number of holders) {
      if (isCalm || left.has(number) || random() > 0.03) continue;
      left.add(number);
      const user = { id: idOf(number), primaryEmail: `p${number}@example.com` };
      const way = random();
      if (way < 0.4) google.users.set(user.id, { ...user, suspended: true });
      else if (way < 0.7) google.users.set(user.id, { ...user, deletionTime: "2026-11-25T00:00:00.000Z" });
      else google.users.delete(user.id);
    }
    // What is broken often stays broken for a night or two.
    if (isCalm) fault = {};
    else if (random() < 0.6) fault = nights[Math.floor(random() * (nights.length + 4))] ?? {};
    for (const name of ["get", "list", "token", "isAdminGone"] as const) delete google.faults[name];
    Object.assign(google.faults, fault.get === undefined ? fault : { ...fault, get: { ...fault.get } });
    google.expireTokens();

    const due: string[] = [];
    const people = [...holders].map((number) => person(number));
    for await (const event of directory.check(pagesOf(people), undefined, new AbortController().signal)) {
      if (event.kind !== "answers") continue;
      for (const { personId, finding, isProven } of event.answers) {
        const assessment = assess(finding, isProven, standings.get(personId) ?? cleanStanding, now);
        standings.set(personId, assessment.standing);
        if (assessment.kind === "due") due.push(personId);
      }
    }
    const revokedLastDay = revocations.filter((at) => now - at < 24 * hour).length;
    const decision = applyBrake({ now, mode: "enforce", due, holders: holders.size, revokedLastDay, approval });
    for (const personId of decision.revoke) {
      const number = Number(personId.slice("person-".length));
      if (!left.has(number)) wrong.push(number);
      holders.delete(number);
      if (approval?.personIds.includes(personId) !== true) revocations.push(now);
    }
    // An administrator approves a list only if everybody on it has left indeed.
    const isRight = decision.waiting.every((personId) => left.has(Number(personId.slice("person-".length))));
    approval =
      decision.tripped && isRight ? { personIds: decision.waiting, approvedBy: "admin", approvedAt: now } : undefined;
  }
  return { wrong, late: [...left].filter((number) => holders.has(number)), left: left.size };
}

describe("nights with a directory that fails in every way", () => {
  it("end with nobody revoked wrongly, and with every leaver revoked", async () => {
    const google = await startGoogle();
    try {
      let leavers = 0;
      for (let seed = 1; seed <= 6; seed += 1) {
        const { wrong, late, left } = await liveThrough(google, seed);
        assert.deepStrictEqual({ seed, wrong, late }, { seed, wrong: [], late: [] });
        leavers += left;
      }
      assert.ok(leavers > 30);
    } finally {
      await google.stop();
    }
  });
});
