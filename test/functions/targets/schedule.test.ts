import assert from "node:assert/strict";

import { SettingsError } from "../../../functions/settings.ts";
import { createSchedule } from "../../../functions/targets/schedule.ts";

const start = Date.parse("2026-11-25T00:00:00Z");

/** Runs of the first so many, at which times. Waiting moves the clock. */
async function runsOf(expression: string, count: number, runMs = 0): Promise<readonly string[]> {
  const stopping = new AbortController();
  const runs: string[] = [];
  let now = start;
  const schedule = createSchedule({
    expression,
    async run() {
      runs.push(new Date(now).toISOString());
      now += runMs;
      if (runs.length === count) stopping.abort();
    },
    clock: () => now,
    wait: async (milliseconds) => void (now += milliseconds),
  });
  await schedule(stopping.signal);
  return runs;
}

describe("the schedule", () => {
  it("runs at its times in UTC, summer time or not", async () => {
    assert.deepStrictEqual(await runsOf("15 2 * * *", 2), ["2026-11-25T02:15:00.000Z", "2026-11-26T02:15:00.000Z"]);
    const nights = await runsOf("30 1 * * *", 180);
    assert.ok(nights.every((time) => time.endsWith("T01:30:00.000Z")));
    assert.equal(new Set(nights).size, 180);
  });

  it("leaves out times that pass while a run goes on", async () => {
    assert.deepStrictEqual(await runsOf("0 * * * *", 2, 150 * 60_000), [
      "2026-11-25T01:00:00.000Z",
      "2026-11-25T04:00:00.000Z",
    ]);
  });

  it("ends when it is told to while it waits", async () => {
    const stopping = new AbortController();
    const schedule = createSchedule({
      expression: "0 2 * * *",
      run: () => assert.fail("ran"),
      clock: () => start,
      async wait() {
        stopping.abort();
        throw new Error("aborted");
      },
    });
    await schedule(stopping.signal);
  });

  for (const expression of [
    "",
    "planted",
    "* * * *",
    "0 0 2 * * *",
    "61 * * * *",
    "0 0 31 2 *",

    "2026-11-25T00:00:00Z",
  ]) {
    it(`refuses ${JSON.stringify(expression)}, and does not repeat it`, () => {
      assert.throws(
        () => createSchedule({ expression, run: async () => {}, clock: () => start, wait: async () => {} }),
        (error: unknown) => error instanceof SettingsError && !error.message.includes("planted"),
      );
    });
  }
});
