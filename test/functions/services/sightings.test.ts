import assert from "node:assert/strict";

import { createSightings } from "../../../functions/services/sightings.ts";

describe("sightings", () => {
  it("of 100,000 accounts are all kept, and of nobody else", () => {
    const sightings = createSightings();
    const ids = Array.from({ length: 100_000 }, (_, index) => `1${String(index).padStart(20, "0")}`);
    assert.ok(ids.every((id, index) => sightings.see(id, index % 2 === 0)));
    assert.ok(ids.every((id, index) => sightings.looksActive(id) === (index % 2 === 0)));
    assert.ok(ids.every((id) => !sightings.looksActive(`${id}0`) && !sightings.see(id, true)));
  });

  it("that were odd once stay odd, whatever comes before or after", () => {
    const sightings = createSightings();
    const told = [
      [true, false],
      [false, true],
      [true, true],
    ] as const;
    told.forEach((looks, index) => looks.forEach((look) => sightings.see(String(index), look)));
    assert.deepStrictEqual(
      ["0", "1", "2", "3", ""].map((id) => sightings.looksActive(id)),
      [false, false, true, false, false],
    );
  });
});
