import assert from "node:assert/strict";

import { keyRow, type KeyRowFacts } from "../../../extension/keys/key-row.ts";
import { keyStates } from "../../../functions/contract/keys.ts";
import { builtKey } from "../support/fake-function.ts";

const facts: KeyRowFacts = { isToolsKey: false, isStored: true, now: Date.parse("2026-11-24T10:00:00Z") };
const spent = (windowUsd: number) => ({
  windowUsd,
  remainingUsd: 25 - windowUsd,
  resetsAt: "2026-12-01T00:00:00.000Z",
  dayUsd: 0.2,
  weekUsd: 1,
  monthUsd: windowUsd,
});

describe("a key's row", () => {
  it("says what was spent of what, and when it starts again", () => {
    assert.deepEqual(keyRow(builtKey({ id: "key-1", spend: spent(1.2) }), { ...facts, isToolsKey: true }), {
      id: "key-1",
      label: "laptop",
      description: "$1.20 of $25 · resets 1 Dec · used by tools",
      icon: "key",
      color: "charts.green",
      contextValue: "key active tools stored",
      accessibilityLabel: "Key laptop, active, $1.20 of $25, resets 1 Dec, used by tools",
      tooltip: [
        "laptop",
        "Works.",
        "Limit: $25 a month",
        "Spend: today $0.20, this week $1, this month $1.20",
        "Made 24 Nov 2026, expires 22 Feb 2027",
        "Your coding tools use this key.",
      ],
    });
  });

  const descriptions = {
    active: "$0 of $25 · resets 1 Dec",
    disabled: "disabled · $0 of $25 · resets 1 Dec",
    retiring: "retiring · $0 of $25 · resets 1 Dec",
    revoked: "revoked",
    expired: "expired",
    gone: "gone",
    unknown: "unknown state",
  } as const;
  for (const state of [...keyStates, "unknown"] as const) {
    it(`says “${descriptions[state]}” of a key that is ${state}`, () => {
      const row = keyRow(builtKey({ state }), { ...facts, isStored: false });
      assert.deepEqual([row.description, row.contextValue], [descriptions[state], `key ${state}`]);
    });
  }

  for (const [amount, color] of [
    [19.99, "charts.green"],
    [20, "charts.yellow"],
    [23.75, "charts.red"],
    [26, "charts.red"],
  ] as const) {
    it(`is ${color} when $${amount} of $25 are spent`, () => {
      assert.equal(keyRow(builtKey({ spend: spent(amount) }), facts).color, color);
    });
  }

  it("says that the spend is unknown instead of nothing", () => {
    assert.equal(keyRow(builtKey({ spend: null }), facts).description, "limit $25, spend unknown");
  });

  it("says when a key expires within the week", () => {
    const row = keyRow(builtKey({ expiresAt: "2026-11-30T10:00:00.000Z", spend: null }), facts);
    assert.equal(row.description, "limit $25, spend unknown · expires 30 Nov");
  });
});
