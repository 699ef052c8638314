import assert from "node:assert/strict";

import type { KeyRingState, ReadyKeys } from "../../../extension/keys/key-ring.ts";
import { spendLine } from "../../../extension/keys/spend-line.ts";
import { clockTimeOf } from "../../../extension/keys/wording.ts";
import type { Key } from "../../../functions/contract/keys.ts";
import { builtKey, createFakeFunction } from "../support/fake-function.ts";

const asOf = "2026-11-24T10:00:00.000Z";

function ready(keys: readonly Key[], complete = true): ReadyKeys {
  const { me } = createFakeFunction();
  return { kind: "ready", keys, me, asOf, complete, toolsKeyId: undefined, storedIds: new Set() };
}

function key(windowUsd: number | undefined, facts: Partial<Key> = {}): Key {
  const { secret: _secret, ...built } = builtKey(facts);
  const spend = {
    windowUsd: 0,
    remainingUsd: 0,
    resetsAt: "2026-12-01T00:00:00.000Z",
    dayUsd: 0,
    weekUsd: 0,
    monthUsd: 0,
  };
  return { ...built, spend: windowUsd === undefined ? null : { ...spend, windowUsd } };
}

function summary(state: KeyRingState): string {
  const line = spendLine(state);
  return line.kind === "hidden" ? "hidden" : `${line.text} (${line.severity})`;
}

describe("the status bar's spend", () => {
  for (const [situation, state, expected] of [
    ["no address is set", { kind: "no-address", fault: undefined }, "hidden"],
    ["nobody is signed in", { kind: "signed-out", expired: false }, "hidden"],
    ["there is no key", ready([]), "$0 of $100 (normal)"],
    ["two keys have spent", ready([key(1.2), key(2)]), "$3.20 of $100 (normal)"],
    [
      "a disabled key has spent, and a revoked one",
      ready([key(1), key(2, { state: "disabled" }), key(50, { state: "revoked" })]),
      "$3 of $100 (normal)",
    ],
    [
      "80 % of the budget is spent",
      ready([key(40, { limitUsd: 60 }), key(40, { limitUsd: 60 })]),
      "$80 of $100 (warning)",
    ],
    [
      "95 % of the budget is spent",
      ready([key(47.5, { limitUsd: 60 }), key(47.5, { limitUsd: 60 })]),
      "$95 of $100 (error)",
    ],
    ["one key is at 80 % of its limit", ready([key(20), key(0)]), "$20 of $100 (warning)"],
    ["one key is at 95 % of its limit", ready([key(23.75), key(0)]), "$23.75 of $100 (error)"],
    ["a disabled key is at its limit", ready([key(25, { state: "disabled" })]), "$25 of $100 (normal)"],
    ["one key's spend is unknown", ready([key(1.2), key(undefined)], false), "at least $1.20 of $100 (normal)"],
    ["no key's spend is known", ready([key(undefined)], false), "spend unknown, of $100 (normal)"],
    [
      "the function is away",
      { kind: "failed", message: "Away.", previous: ready([key(1.2)]) },
      `$1.20 of $100 at ${clockTimeOf(asOf)} (normal)`,
    ],
    [
      "the function was never there",
      { kind: "failed", message: "Away.", previous: undefined },
      "spend unknown (normal)",
    ],
  ] satisfies [string, KeyRingState, string][]) {
    it(`says “${expected}” when ${situation}`, () => {
      assert.equal(summary(state), expected);
    });
  }

  it("names the keys near their limit and what is wrong", () => {
    const line = spendLine({
      kind: "failed",
      message: "Away.",
      previous: ready([key(24), key(1, { name: "server" })]),
    });
    assert.deepEqual(line.kind === "shown" && line.tooltip, [
      "OpenRouter: $25 of $100 a month, resets 1 Dec",
      "laptop: $24 of $25",
      `As of ${clockTimeOf(asOf)}; since then: Away.`,
    ]);
  });

  describe("of the key that tools use", () => {
    const at = Date.parse("2026-11-24T10:07:00Z");
    const of = { kind: "key", keyId: "key-1", owner: "owner-1" } as const;
    const reading = { limitUsd: 25, reset: "monthly", windowUsd: 20, dayUsd: 2, at } as const;
    const time = clockTimeOf("2026-11-24T10:07:00.000Z");
    const away: KeyRingState = { kind: "failed", message: "Away.", previous: undefined };

    it("is OpenRouter's own figure, also while the function is away", () => {
      const line = spendLine(away, { ...of, reading, fault: undefined });
      assert.deepEqual(line, {
        kind: "shown",
        text: "$20 of $25",
        severity: "warning",
        tooltip: [
          "The key of your coding tools: $20 of $25 a month",
          `As of ${time}. OpenRouter counts a request a little after it has ended.`,
          "Away.",
        ],
        accessibilityLabel: "OpenRouter spend of The key of your coding tools: $20 of $25 a month",
      });
    });

    it("says from when it is once OpenRouter does not answer, and lists the other keys", () => {
      const state = ready([key(3, { id: "key-1" }), key(1, { id: "key-2", name: "server" })]);
      const line = spendLine(state, { ...of, reading: { ...reading, windowUsd: 24 }, fault: "No answer." });
      assert.deepEqual(line.kind === "shown" && [line.text, line.severity, line.tooltip], [
        `$24 of $25 at ${time}`,
        "error",
        ["laptop: $24 of $25 a month, resets 1 Dec", "server: $1 of $25", `As of ${time}; since then: No answer.`],
      ]);
    });

    it("is the function's figure when OpenRouter has never answered, and unknown without either", () => {
      const live = { ...of, reading: undefined, fault: "No answer." };
      const texts = [ready([key(3, { id: "key-1" })]), away].map((state) => {
        const line = spendLine(state, live);
        return line.kind === "shown" && line.text;
      });
      assert.deepEqual(texts, [`$3 of $25 at ${clockTimeOf(asOf)}`, "spend unknown"]);
    });
  });
});
