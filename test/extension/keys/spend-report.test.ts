import assert from "node:assert/strict";

import type { KeyRingState } from "../../../extension/keys/key-ring.ts";
import { spendCsv, type SpendReport, spendReport } from "../../../extension/keys/spend-report.ts";
import { builtKey, createFakeFunction } from "../support/fake-function.ts";

const now = Date.parse("2026-11-24T10:00:00Z");
const amounts = { windowUsd: 3, remainingUsd: 22, resetsAt: null, dayUsd: 1, weekUsd: 2, monthUsd: 3 };
const history = {
  days: [
    { day: "2026-11-23", usd: new Map([["gone", 4]]) },
    { day: "2026-11-24", usd: new Map([["key-1", 1.5]]) },
  ],
  names: new Map([
    ["gone", "=HYPERLINK(0)"],
    ["key-1", 'my "laptop"'],
  ]),
};

function report(state: KeyRingState, fault?: string): SpendReport {
  const reading = { limitUsd: 25, reset: "monthly", windowUsd: 20, dayUsd: 9, at: now - 120_000 } as const;
  return spendReport({ state, live: { kind: "key", keyId: "key-1", owner: "o", reading, fault }, history, now });
}

describe("the spend page", () => {
  it("has OpenRouter's own figures for the tools' key, the function's for the others, and days of keys that are gone", () => {
    const keys = [
      builtKey({ id: "key-1", spend: amounts }),
      builtKey({ id: "key-2", name: "server", spend: amounts }),
      builtKey({ id: "key-3", state: "revoked" }),
    ];
    const { me } = createFakeFunction();
    const { notes, ...rest } = report({
      kind: "ready",
      keys,
      me,
      asOf: "2026-11-24T09:30:00.000Z",
      complete: true,
      toolsKeyId: "key-1",
      storedIds: new Set(),
    });
    assert.deepEqual(rest, {
      keys: [
        {
          name: "laptop",
          isToolsKey: true,
          share: 0.8,
          amount: "$20 of $25 a month",
          windows: ["today $9", "this week $2", "this month $3"],
        },
        {
          name: "server",
          isToolsKey: false,
          share: 0.12,
          amount: "$3 of $25 a month",
          windows: ["today $1", "this week $2", "this month $3"],
        },
      ],
      names: ["=HYPERLINK(0)", 'my "laptop"'],
      days: [
        { day: "2026-11-23", usd: [4, null] },
        { day: "2026-11-24", usd: [null, 1.5] },
      ],
    });
    assert.match(notes[0] ?? "", /^Last seen 2 minutes ago\./);
  });

  it("shows what it remembers while the function is away, and says what is wrong", () => {
    const { keys, days, notes } = report({ kind: "failed", message: "Away.", previous: undefined }, "No answer.");
    assert.deepEqual([keys, days.length, notes.slice(1, 3)], [[], 2, ["No answer.", "Away."]]);
  });

  it("exports only what was seen, and no name as a formula", () => {
    assert.equal(
      spendCsv(report({ kind: "loading" })),
      'day_utc,key,spend_usd\r\n2026-11-23,"\'=HYPERLINK(0)",4\r\n2026-11-24,"my ""laptop""",1.5\r\n',
    );
  });
});
