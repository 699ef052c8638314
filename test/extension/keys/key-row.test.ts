import assert from "node:assert/strict";

import { keyRow, type KeyTooltipFacts, keyTooltip } from "../../../extension/keys/key-row.ts";
import { keyStates } from "../../../functions/contract/keys.ts";
import { builtKey } from "../support/fake-function.ts";

const facts: KeyTooltipFacts = {
  isToolsKey: false,
  toolLabels: [],
  isStored: true,
  spendAsOf: "2026-11-24T09:57:00.000Z",
  now: Date.parse("2026-11-24T10:00:00Z"),
};
const spent = (windowUsd: number) => ({
  windowUsd,
  remainingUsd: 25 - windowUsd,
  resetsAt: "2026-12-01T00:00:00.000Z",
  dayUsd: 0.2,
  weekUsd: 1,
  monthUsd: windowUsd,
});

describe("a key's row", () => {
  const used = builtKey({ id: "key-1", spend: spent(1.2) });
  const byTools = { ...facts, isToolsKey: true, toolLabels: ["Claude Code", "Codex"] };

  it("says what is left of what, without reading the bar aloud", () => {
    assert.deepEqual(keyRow(used, byTools), {
      id: "key-1",
      label: "laptop",
      description: "▰▱▱▱▱ $23.80 left · used by tools",
      icon: "key",
      color: "charts.green",
      contextValue: "key active tools stored",
      accessibilityLabel: "Key laptop, active, $23.80 left of $25, used by tools",
    });
  });

  it("says on hovering who uses the key, when it starts again and ends, and how old that is", () => {
    assert.deepEqual(keyTooltip(used, byTools), [
      "laptop",
      "Works.",
      "Limit: $25 a month, starts again on 1 Dec at 00:00 UTC",
      "Spend: today $0.20, this week $1, this month $1.20",
      "Last seen 3 minutes ago",
      "Made 24 Nov 2026, expires 22 Feb 2027",
      "Used by Claude Code and Codex on this machine.",
    ]);
  });

  const descriptions = {
    active: "▱▱▱▱▱ $25 left",
    disabled: "disabled · ▱▱▱▱▱ $25 left",
    retiring: "retiring · ▱▱▱▱▱ $25 left",
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

  for (const [amount, icon, color, description] of [
    [19.99, "key", "charts.green", "▰▰▰▰▱ $5.01 left"],
    [20, "warning", "charts.yellow", "▰▰▰▰▱ $5 left · resets 1 Dec"],
    [24.99, "warning", "charts.red", "▰▰▰▰▱ $0.01 left · resets 1 Dec"],
    [26, "warning", "charts.red", "▰▰▰▰▰ nothing left · resets 1 Dec"],
  ] as const) {
    it(`says “${description}”, in ${color}, when $${amount} of $25 are spent`, () => {
      const row = keyRow(builtKey({ spend: spent(amount) }), facts);
      assert.deepEqual([row.icon, row.color, row.description], [icon, color, description]);
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
