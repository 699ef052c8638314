import assert from "node:assert/strict";
import { unconfigurable } from "../../../extension/tools/unconfigurable.ts";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

describe("a tool that cannot be set up", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
  });

  afterEach(() => world.remove());

  const ids = unconfigurable.map(({ id }) => id);
  const states = async () =>
    (await world.setup.detect()).filter(({ id }) => ids.some((known) => known === id)).map(({ state }) => state);

  it("says why and what to do where it is installed, and nothing of it is ever written", async () => {
    const absent = await states();
    await world.write(".gemini/settings.json", "{}");
    await world.addProgram("cursor", "#!/bin/sh\n");
    await world.write(".junie/config.json", "{}");
    const present = await states();
    const outcomes = await world.setup.apply(ids);
    const reasons = outcomes.map((outcome) => (outcome.ok ? "" : outcome.message));
    assert.deepStrictEqual(
      {
        absent,
        present,
        reasons,
        // A reason, then what to do; one line of the list that shows them has room for about as much.
        areWhole: reasons.map((reason) => reason.split(". ").length === 2 && reason.length <= 110),
        planned: await world.setup.plan(ids),
        undone: (await world.setup.undo(ids)).map(({ ok }) => ok),
        files: [await world.read(".gemini/settings.json"), await world.read(".junie/config.json")],
        records: world.undoStore.records.size,
      },
      {
        absent: [],
        present: ids.map(() => "unsupported"),
        reasons: unconfigurable.map(({ why }) => why),
        areWhole: ids.map(() => true),
        planned: [],
        undone: ids.map(() => true),
        files: ["{}", "{}"],
        records: 0,
      },
    );
  });
});
