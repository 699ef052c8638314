import assert from "node:assert/strict";

import type { ReadyRuns } from "../../../extension/admin/run-list.ts";
import { type AdminRow, findRow } from "../../../extension/admin/rows.ts";
import { runRows } from "../../../extension/admin/run-rows.ts";
import type { NightlyRun } from "../../../functions/contract/runs.ts";
import { builtRun, builtWaitingRun, leavers, now } from "../support/fake-runs.ts";

const day = 24 * 3_600_000;
const ago = (milliseconds: number): string => new Date(now - milliseconds).toISOString();
const hedy = { id: "owner-hedy", label: "hedy@example.test" };

const nothing: ReadyRuns = {
  kind: "ready",
  runs: [],
  unknown: [],
  stuck: [],
  hasMore: false,
  raises: [],
  conflicts: [],
  ownId: "owner-1",
};

function ready(...runs: readonly NightlyRun[]): ReadyRuns {
  return { ...nothing, runs: [...runs] };
}

/** As a person reads them, each below the one that it belongs to. */
function read(rows: readonly AdminRow[], depth = 0): readonly string[] {
  return rows.flatMap((row) => [
    `${"  ".repeat(depth)}${row.label}${row.description === "" ? "" : ` (${row.description})`}`,
    ...read(row.children(), depth + 1),
  ]);
}

const all = (rows: readonly AdminRow[]): readonly AdminRow[] => rows.flatMap((row) => [row, ...all(row.children())]);
const inRuns = (run: NightlyRun, later: readonly NightlyRun[] = []): string | undefined =>
  read(runRows(ready(...later, run), now)).findLast((line) => line.startsWith("  ") && !line.startsWith("    "));

describe("the administrators' rows", () => {
  it("bring what needs somebody first, and a section only where there is something", () => {
    const state: ReadyRuns = {
      ...nothing,
      runs: [builtWaitingRun("run-2", "grace", "alan"), builtRun("run-1", { endedAt: ago(day), alerts: ["Look."] })],
      unknown: [{ owner: hedy, since: ago(8 * day), reason: "Google answered 403." }],
      stuck: [{ owner: hedy, key: { id: "key-1", name: "laptop" }, tries: 1, since: ago(2 * day) }],
      hasMore: true,
    };
    assert.deepEqual(
      [read(runRows(state, now)), read(runRows(ready(), now))],
      [
        [
          "Waiting for approval",
          "  2 people seem to have left (found 5 minutes ago)",
          "    alan@example.test (Google says that the account is suspended.)",
          "    grace@example.test (Google says that the account is suspended.)",
          "Keys not disabled yet (1 key)",
          "  hedy@example.test (laptop · tried once · left 2 days ago)",
          "Unknown for a week (1 person)",
          "  hedy@example.test (since 16 Nov · Google answered 403.)",
          "Nightly runs",
          "  Stopped at 2 people (5 minutes ago · waits for approval)",
          "    alan@example.test (Google says that the account is suspended.)",
          "    grace@example.test (Google says that the account is suspended.)",
          "  Checked 240 people (24 hours ago)",
          "    Look.",
          "Show Older Runs",
        ],
        [],
      ],
    );
  });

  const three = { candidates: leavers("a", "b", "c"), inactive: 3 };
  for (const [what, facts, says] of [
    ["found nobody", {}, "Checked 240 people (5 minutes ago)"],
    ["had nobody to look at", { checked: 0 }, "Nobody to check (5 minutes ago)"],
    ["ended somebody's access", { ...three, revoked: 3 }, "Ended access of 3 people (5 minutes ago)"],
    [
      "could not finish",
      { ...three, revoked: 2, failed: 1, partial: true },
      "Ended access of 2 people (5 minutes ago · cut off, the next run goes on · not done yet: 1 person)",
    ],
    ["could not begin", { ...three, failed: 3 }, "Not done yet: 3 people (5 minutes ago)"],
    ["only looked", { ...three, mode: "report" }, "Would end access of 3 people (5 minutes ago · report only)"],
    ["only looked, and found nobody", { mode: "report" }, "Checked 240 people (5 minutes ago · report only)"],
    [
      "acted on an approval and stopped again",
      { ...three, tripped: true, revoked: 4 },
      "Ended access of 4, stopped at 3 people (5 minutes ago)",
    ],
    [
      "did not know enough",
      { inactive: 1, unknown: 2, repaired: 1 },
      "Checked 240 people (5 minutes ago · 2 unknown · 1 not found, looked for again · 1 key put right)",
    ],
    [
      "was approved and is the newest",
      { ...three, tripped: true, state: "approved" },
      "Stopped at 3 people (approved · 5 minutes ago · the next run acts on it)",
    ],
  ] as const) {
    it(`say of a run that ${what} what it did`, () => {
      assert.equal(inRuns(builtRun("run-1", facts)), `  ${says}`);
    });
  }

  it("say of an older approval no more than that it was one", () => {
    const approved = builtRun("run-1", { ...three, tripped: true, state: "approved" });
    assert.equal(inRuns(approved, [builtRun("run-2")]), "  Stopped at 3 people (approved · 5 minutes ago)");
  });

  it("keep their names over refreshes, none of which is there twice", () => {
    const first = runRows(ready(builtWaitingRun("run-2", "grace"), builtRun("run-1")), now);
    const next = runRows(
      ready(builtRun("run-3"), builtWaitingRun("run-2", "grace"), builtRun("run-1", { alerts: ["Look.", "Look."] })),
      now + day,
    );
    const ids = all(next).map(({ id }) => id);
    assert.deepEqual([all(first).filter(({ id }) => !ids.includes(id)), ids.length - new Set(ids).size], [[], 0]);
  });

  it("lead to the run that waits, which alone can be approved", () => {
    const rows = runRows(ready(builtWaitingRun("run-2", "grace"), builtWaitingRun("run-1", "alan")), now);
    const found = findRow(rows, ({ runId }) => runId === "run-1");
    const past = all(runRows(ready(builtRun("run-1", { state: "approved" })), now)).map((row) => row.contextValue);
    assert.deepEqual(
      [found?.id, found?.parent?.id, found?.contextValue, found?.runId, past],
      ["waiting/run-1", "waiting", "run waiting", "run-1", ["", "run approved"]],
    );
  });

  it("say aloud and in the tooltip what is cut off in a narrow view", () => {
    const [section] = runRows(ready(builtRun("run-1", { ...three, revoked: 3 })), now);
    const [run] = section?.children() ?? [];
    const [person] = run?.children() ?? [];
    assert.deepEqual(
      [run?.accessibilityLabel, run?.tooltip.slice(1), person?.accessibilityLabel, person?.tooltip],
      [
        "Ended access of 3 people, 5 minutes ago",
        [
          "Ended access of 3 people.",
          "Checked 240 people: 240 active, 3 inactive, 0 unknown.",
          "Access ended: 3 people. With a key not disabled yet: 0 people.",
          "Put right: 0 keys. Half-made and cleared away: 0 keys.",
        ],
        "a@example.test, Google says that the account is suspended.",
        ["a@example.test", "Google says that the account is suspended."],
      ],
    );
  });

  it("show no control characters of anybody's", () => {
    const evil = { owner: { id: "owner-1", label: "a\u202eb\n@example.test" }, evidence: "c\u0007d" };
    const shown = read(runRows(ready(builtRun("run-1", { candidates: [evil], alerts: ["e\u2028f"] })), now));
    assert.deepEqual(shown.slice(2), ["    e f", "    a b @example.test (c d)"]);
  });

  it("offer to try again where nothing can be shown, and keep what there was", () => {
    const previous = ready(builtRun("run-1"));
    const message = "The database is away.";
    assert.deepEqual(
      [
        runRows({ kind: "failed", message, previous: undefined }, now).map(({ label, does }) => [label, does]),
        read(runRows({ kind: "failed", message, previous }, now)),
        runRows({ kind: "sign-in" }, now),
        runRows({ kind: "loading" }, now),
      ],
      [[["Try Again", "retry"]], read(runRows(previous, now)), [], []],
    );
  });
});
