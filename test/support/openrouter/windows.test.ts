import assert from "node:assert/strict";

import { windowStart } from "./windows.ts";

describe("the windows that limits are reset in", () => {
  const cases = [
    ["daily", "2026-11-24T00:00:00.000Z", "2026-11-24T00:00:00.000Z"],
    ["daily", "2026-11-24T23:59:59.999Z", "2026-11-24T00:00:00.000Z"],
    ["weekly", "2026-11-23T00:00:00.000Z", "2026-11-23T00:00:00.000Z"],
    ["weekly", "2026-11-29T23:59:59.999Z", "2026-11-23T00:00:00.000Z"],
    ["weekly", "2027-01-01T12:00:00.000Z", "2026-12-28T00:00:00.000Z"],
    ["monthly", "2026-11-01T00:00:00.000Z", "2026-11-01T00:00:00.000Z"],
    ["monthly", "2028-02-29T23:59:59.999Z", "2028-02-01T00:00:00.000Z"],
  ] as const;
  for (const [interval, now, start] of cases) {
    it(`at ${now}, the ${interval} window began at ${start}`, () => {
      assert.equal(windowStart(interval, new Date(now)).toISOString(), start);
    });
  }
});
