import assert from "node:assert/strict";

import { databaseKinds } from "../../support/databases.ts";

const [embedded] = databaseKinds;
const minute = 60_000;

describe("a lease", () => {
  it("is one process's at a time, ends by itself, and outlives no clock that was set back", async () => {
    const { leases, close } = await embedded.open();
    const noon = Date.parse("2026-11-25T12:00:00Z");
    const first = await leases.acquire("job", noon, noon + minute);
    const beside = await leases.acquire("job", noon + 1_000, noon + 1_000 + minute);
    const later = await leases.acquire("job", noon + minute, noon + 2 * minute);
    const setBack = await leases.acquire("job", noon - 60 * minute, noon - 59 * minute);
    const isLost = later !== undefined && !(await leases.extend(later, noon + 3 * minute));
    assert.deepStrictEqual(
      { held: [first, beside, later, setBack].map((lease) => lease?.fence), isLost },
      { held: [1, undefined, 2, 3], isLost: true },
    );
    await close();
  });
});
