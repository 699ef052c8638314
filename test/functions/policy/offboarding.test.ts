import assert from "node:assert/strict";

import type { Finding } from "../../../functions/policy/evidence.ts";
import {
  applyBrake,
  assess,
  candidatesText,
  cleanStanding,
  mayApprove,
} from "../../../functions/policy/offboarding.ts";
import type { Approval, BrakeFacts, Standing } from "../../../functions/policy/offboarding.ts";
import { randomFrom } from "../../support/random.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse("2026-11-25T02:00:00Z");

const active: Finding = { state: "active" };
const flagged: Finding = { state: "inactive", evidence: "Suspended.", isAbsence: false };
const absent: Finding = { state: "inactive", evidence: "Not found.", isAbsence: true };
const unsure: Finding = { state: "unknown", reason: "No answer.", isAlarming: false };

/** What a person's runs come to: at which time, with which finding. */
function runs(...steps: readonly (readonly [at: number, finding: Finding, isProven?: boolean])[]) {
  let standing: Standing = cleanStanding;
  return steps.map(([at, finding, isProven = true]) => {
    const assessment = assess(finding, isProven, standing, start + at);
    standing = assessment.standing;
    return assessment.isLongUnknown ? `${assessment.kind}, for long` : assessment.kind;
  });
}

describe("offboarding, person by person", () => {
  it("takes what the directory says outright at once", () => {
    assert.deepStrictEqual(runs([0, flagged]), ["due"]);
  });

  it("wants an absence twice, an hour apart", () => {
    assert.deepStrictEqual(
      {
        once: runs([0, absent]),
        tooSoon: runs([0, absent], [59 * minute, absent]),
        twice: runs([0, absent], [hour, absent]),
        everyMinute: runs(...Array.from({ length: 61 }, (_, i) => [i * minute, absent] as const)).at(-1),
        doubtBetween: runs([0, absent], [30 * minute, unsure], [hour, absent]),
        backBetween: runs([0, absent], [hour, active], [2 * hour, absent]),
        listedBetween: runs([0, absent], [hour, active, false], [2 * hour, absent]),
        clockSetBack: runs([0, absent], [-5 * hour, absent], [-4 * hour, absent]),
        onlyClockSetBack: runs([0, absent], [-5 * hour, absent]),
        thenFlagged: runs([0, absent], [minute, flagged]),
      },
      {
        once: ["waiting"],
        tooSoon: ["waiting", "waiting"],
        twice: ["waiting", "due"],
        everyMinute: "due",
        doubtBetween: ["waiting", "unknown", "due"],
        backBetween: ["waiting", "keep", "waiting"],
        listedBetween: ["waiting", "keep", "due"],
        clockSetBack: ["waiting", "waiting", "due"],
        onlyClockSetBack: ["waiting", "waiting"],
        thenFlagged: ["waiting", "due"],
      },
    );
  });

  it("lists for the administrators who has been unknown for seven days, and never revokes them", () => {
    assert.deepStrictEqual(
      {
        week: runs([0, unsure], [7 * day - 1, unsure], [7 * day, unsure], [400 * day, unsure]),
        interrupted: runs([0, unsure], [6 * day, active, false], [7 * day, unsure], [13 * day, unsure]),
        clockSetBack: runs([0, unsure], [-10 * day, unsure], [-3 * day, unsure]),
      },
      {
        week: ["unknown", "unknown", "unknown, for long", "unknown, for long"],
        interrupted: ["unknown", "keep", "unknown", "unknown"],
        clockSetBack: ["unknown", "unknown", "unknown, for long"],
      },
    );
  });
});

const people = (count: number) => Array.from({ length: count }, (_, i) => `person-${String(i).padStart(4, "0")}`);

const calm: BrakeFacts = {
  now: start,
  mode: "enforce",
  due: [],
  holders: 100,
  revokedLastDay: 0,
  approval: undefined,
};

describe("the brake", () => {
  it("lets pass what a company loses in a day: three people, or one in twenty", () => {
    const passes = (due: number, holders: number, revokedLastDay = 0) =>
      !applyBrake({ ...calm, due: people(due), holders, revokedLastDay }).tripped;
    assert.deepStrictEqual(
      [
        passes(0, 0),
        passes(3, 3),
        passes(4, 4),
        passes(3, 60),
        passes(4, 79),
        passes(4, 80),
        passes(5, 100),
        passes(6, 100),
        passes(50, 1_000),
        passes(51, 1_000),
        passes(2, 97, 3),
        passes(3, 97, 3),
        // The day's share is of those who held keys when it began, and nobody due trips nothing.
        passes(0, 90, 10),
      ],
      [true, true, false, true, false, true, true, false, true, false, true, false, true],
    );
  });

  it("revokes nobody at all when it trips, and holds the exact list", () => {
    assert.deepStrictEqual(applyBrake({ ...calm, due: people(6).toReversed() }), {
      revoke: [],
      waiting: people(6),
      tripped: true,
    });
  });

  it("revokes nobody in report mode, whatever was approved", () => {
    const approval: Approval = { personIds: people(2), approvedBy: "admin", approvedAt: start };
    assert.deepStrictEqual(
      [
        applyBrake({ ...calm, mode: "report", due: people(2), approval }),
        applyBrake({ ...calm, mode: "report", due: people(60), approval }),
      ],
      [
        { revoke: [], waiting: [], tripped: false },
        { revoke: [], waiting: [], tripped: true },
      ],
    );
  });

  it("goes on with an approved list, for those on it who are still gone", () => {
    const approval: Approval = { personIds: people(20), approvedBy: "admin", approvedAt: start - hour };
    const due = people(21).filter((personId) => personId !== "person-0007");
    const decision = applyBrake({ ...calm, due, approval });
    assert.deepStrictEqual(decision, { revoke: due, waiting: [], tripped: false });
    const flood = applyBrake({ ...calm, due: people(40), approval });
    assert.deepStrictEqual(flood, { revoke: people(20), waiting: people(40).slice(20), tripped: true });
  });

  it("heeds no approval by somebody on the list, from the future, or older than three days", () => {
    const approved = (approvedBy: string, approvedAt: number) =>
      applyBrake({ ...calm, due: people(20), approval: { personIds: people(20), approvedBy, approvedAt } }).revoke
        .length;
    assert.deepStrictEqual(
      [
        approved("admin", start),
        approved("person-0003", start),
        approved("admin", start + 1),
        approved("admin", start - 3 * day),
      ],
      [20, 0, 0, 0],
    );
    assert.deepStrictEqual([mayApprove("admin", people(3)), mayApprove("person-0001", people(3))], [true, false]);
  });

  it("names a list by its run and its people, in whatever order they come", () => {
    const text = candidatesText("run-1", ["b", "a", "b"]);
    assert.equal(text, candidatesText("run-1", ["a", "b"]));
    const others = [
      candidatesText("run-2", ["a", "b"]),
      candidatesText("run-1", ["a"]),
      candidatesText("run-1", ["a,b"]),
      candidatesText("run-1", ['a","b']),
      candidatesText("run-1", []),
    ];
    assert.equal(new Set([text, ...others]).size, 6);
  });
});

/** Who has left and has access still, after sixty runs of a company of random size, with leavers, a directory that fails in every way, and approvals. */
function leaversWithAccess(seed: number) {
  const random = randomFrom(seed);
  const holders = new Set(people(1 + Math.floor(random() * 200)));
  const left = new Map<string, "flag" | "absence">();
  const standings = new Map<string, Standing>();
  const absences = new Map<string, number[]>();
  const revocations: { at: number; isApproved: boolean; cap: number }[] = [];
  let waiting: readonly string[] = [];
  let approval: Approval | undefined;
  let now = start;
  for (let run = 0; run < 60; run += 1) {
    now += Math.floor(random() * 12 * hour);
    for (const personId of holders) {
      if (run < 45 && random() < 0.01) left.set(personId, random() < 0.5 ? "flag" : "absence");
    }
    // Nobody leaves and nothing fails in the last runs, so that what was begun can be finished.
    const isCalm = run >= 45;
    const fault = isCalm ? 1 : random();
    const due: string[] = [];
    for (const personId of holders) {
      const truth = left.get(personId);
      let finding = truth === "flag" ? flagged : truth === "absence" ? absent : active;
      if (fault < 0.1 || (!isCalm && random() < 0.05)) finding = unsure;
      else if (fault < 0.15) finding = absent;
      const isProven = random() < 0.5;
      const { kind, standing } = assess(finding, isProven, standings.get(personId) ?? cleanStanding, now);
      standings.set(personId, standing);
      const seen = absences.get(personId) ?? [];
      if (finding === active && isProven) seen.length = 0;
      if (finding === absent) seen.push(now);
      absences.set(personId, seen);
      if (kind !== "due") continue;
      const isTwice = seen.some((first) => seen.some((last) => last - first >= hour));
      assert.ok(finding === flagged || (finding === absent && isTwice), `${personId} is due on a doubt`);
      due.push(personId);
    }
    const revokedLastDay = revocations.filter(({ at, isApproved }) => !isApproved && now - at < day).length;
    const decision = applyBrake({ now, mode: "enforce", due, holders: holders.size, revokedLastDay, approval });
    const approved = new Set(approval?.personIds);
    const cap = Math.max(3, (holders.size + revokedLastDay) * 0.05);
    for (const personId of decision.revoke) {
      assert.ok(due.includes(personId), `${personId} was not due`);
      revocations.push({ at: now, isApproved: approved.has(personId), cap });
      holders.delete(personId);
    }
    if (decision.tripped) {
      assert.ok(decision.revoke.every((personId) => approved.has(personId)));
      assert.ok(decision.waiting.length > 0);
    }
    for (const { at } of revocations) {
      const window = revocations.filter((each) => !each.isApproved && each.at >= at && each.at - at < day);
      assert.ok(window.length <= Math.max(3, ...window.map((each) => each.cap)), "more in a day than the brake allows");
    }
    waiting = decision.waiting;
    approval =
      waiting.length > 0 && (isCalm || random() < 0.3)
        ? { personIds: waiting, approvedBy: "admin", approvedAt: now }
        : undefined;
  }
  return [...holders].filter((personId) => left.has(personId));
}

describe("offboarding, run after run", () => {
  it("revokes on no doubt, never more than the brake allows in any day, and in the end every leaver", () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      try {
        assert.deepStrictEqual(leaversWithAccess(seed), []);
      } catch (error) {
        throw new Error(`with seed ${seed}`, { cause: error });
      }
    }
  });
});
