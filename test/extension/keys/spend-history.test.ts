import assert from "node:assert/strict";

import { takeAlert } from "../../../extension/keys/spend-alert.ts";
import { blockChart, createSpendHistory, totalOf } from "../../../extension/keys/spend-history.ts";

function createMemory() {
  const entries = new Map<string, unknown>();
  return {
    entries,
    get: (key: string) => entries.get(key),
    update: async (key: string, value: unknown) => void entries.set(key, value),
  };
}

const noon = (day: number) => Date.UTC(2026, 10, day, 12);

describe("the memory of each day's spend", () => {
  it("has the highest figure of a day, by key, and knows a day not seen from a day without spend", async () => {
    const history = createSpendHistory(createMemory());
    const one = { keyId: "key-1", name: "laptop", dayUsd: 2 };
    await history.note("ada", noon(20), [one, { keyId: "key-2", name: "server", dayUsd: 0.5 }]);
    await history.note("ada", noon(20) + 1, [{ ...one, name: undefined, dayUsd: 1 }]);
    await history.note("ada", noon(22), [{ ...one, dayUsd: 0 }]);
    const { days, names } = history.read("ada", noon(23));
    assert.deepEqual(
      [days.length, days.slice(-4).map((day) => [day.day, totalOf(day)]), [...names]],
      [
        30,
        [
          ["2026-11-20", 2.5],
          ["2026-11-21", undefined],
          ["2026-11-22", 0],
          ["2026-11-23", undefined],
        ],
        [
          ["key-1", "laptop"],
          ["key-2", "server"],
        ],
      ],
    );
  });

  it("does not take yesterday's figure for today's right after midnight", async () => {
    const memory = createMemory();
    const history = createSpendHistory(memory);
    await history.note("ada", Date.UTC(2026, 10, 21, 0, 4), [{ keyId: "key-1", name: "laptop", dayUsd: 9 }]);
    assert.deepEqual([...memory.entries], []);
  });

  it("forgets what is older than the chart, shows nobody another's, and outlives a memory that is damaged", async () => {
    const memory = createMemory();
    const history = createSpendHistory(memory);
    await history.note("ada", noon(1), [{ keyId: "old", name: "old", dayUsd: 1 }]);
    await history.note("ada", noon(1) + 30 * 86_400_000, [{ keyId: "key-1", name: "laptop", dayUsd: 1 }]);
    const kept = JSON.stringify([...memory.entries]);
    memory.entries.set("spend-days eve", { "key-1": "what?" });
    assert.deepEqual(
      [
        kept.includes("old"),
        kept.includes("laptop"),
        ...["bob", "eve"].map((who) => history.read(who, noon(1)).names.size),
      ],
      [false, true, 0, 0],
    );
  });

  it("draws a character a day", () => {
    assert.equal(blockChart([undefined, 0, 0.01, 5, 10]), "·▁▂▅█");
  });
});

describe("the alerts", () => {
  it("come once for each threshold, window and limit", async () => {
    const memory = createMemory();
    const take = (windowUsd: number, at: number, limitUsd = 25) =>
      takeAlert(memory, "key-1", { limitUsd, windowUsd, dayUsd: 0, reset: "monthly", at });
    assert.deepEqual(
      [
        await take(19.9, noon(1)),
        await take(20, noon(2)),
        await take(21, noon(3)),
        await take(24, noon(4)),
        await take(25, noon(5)),
        await take(24, noon(6), 30),
        await take(24, noon(31)),
        await take(20, noon(31)),
      ],
      [undefined, 80, undefined, 95, undefined, 80, 95, undefined],
    );
  });

  for (const [reset, sameWindow, nextWindow] of [
    ["daily", Date.UTC(2026, 10, 24, 23), Date.UTC(2026, 10, 25)],
    ["weekly", Date.UTC(2026, 10, 29, 23), Date.UTC(2026, 10, 30)],
    ["monthly", Date.UTC(2026, 10, 30, 23), Date.UTC(2026, 11, 1)],
  ] as const) {
    it(`come again after a ${reset} reset and not before`, async () => {
      const memory = createMemory();
      const take = (at: number) => takeAlert(memory, "k", { limitUsd: 1, windowUsd: 1, dayUsd: 0, reset, at });
      assert.deepEqual([await take(noon(24)), await take(sameWindow), await take(nextWindow)], [95, undefined, 95]);
    });
  }

  it("do not come for a key without a limit", async () => {
    const reading = { limitUsd: null, windowUsd: 99, dayUsd: 0, reset: undefined, at: noon(1) };
    assert.equal(await takeAlert(createMemory(), "k", reading), undefined);
  });
});
