import assert from "node:assert/strict";
import { createToolSetup } from "../../../extension/tools/tool-setup.ts";
import { createTerminals, createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

const helper = (command: string): string => command.replaceAll("'", String.raw`'\''`);

// Seen with GitHub Copilot CLI, which takes variables alone.
describe("a tool that is set up in the editor's terminals", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
    await world.write(".copilot/config.json", "{}");
  });

  afterEach(() => world.remove());

  const stateOf = async (setup = world.setup) => (await setup.detect()).find(({ id }) => id === "copilot-cli")?.state;
  const variablesWith = (command: string, url: string) => ({
    COPILOT_PROVIDER_BASE_URL: url,
    COPILOT_PROVIDER_TYPE: "openai",
    COPILOT_PROVIDER_API_KEY_COMMAND: command,
    COPILOT_PROVIDER_API_KEY: "",
    COPILOT_PROVIDER_BEARER_TOKEN: "",
    COPILOT_PROVIDER_HEADERS: "",
    COPILOT_MODEL: "~anthropic/claude-sonnet-latest",
  });
  const ours = () => variablesWith(`'${helper(world.deps.helperCommand)}'`, "https://openrouter.ai/api/v1");

  it("asks the helper, holds no key, is not chosen unasked, and is taken back without a trace", async () => {
    const found = (await world.setup.detect()).find(({ id }) => id === "copilot-cli");
    const planned = await world.setup.plan(["copilot-cli"]);
    const [preview] = await world.setup.preview("copilot-cli");
    const before = world.terminals.size;
    const outcomes = [...(await world.setup.apply(["copilot-cli"])), ...(await world.setup.apply(["copilot-cli"]))];
    const applied = Object.fromEntries(world.terminals);
    const configured = await stateOf();
    const undone = await world.setup.undo(["copilot-cli"]);
    const place = "the environment of VS Code's terminals";
    assert.deepStrictEqual(
      {
        found: [found?.state, found?.isOptIn, /Copilot subscription/.test(found?.detail ?? "")],
        planned: planned.map(({ setting }) => setting),
        shown: [preview?.before, preview?.after.split("\n").length],
        before,
        changed: outcomes.map((outcome) => (outcome.ok ? outcome.changed : outcome.message)),
        applied,
        configured,
        undone: undone.map((outcome) => (outcome.ok ? outcome.changed : outcome.message)),
        left: [world.terminals.size, world.undoStore.records.size, await stateOf()],
      },
      {
        found: ["available", true, true],
        planned: Object.keys(ours()),
        shown: ["", Object.keys(ours()).length + 1],
        before: 0,
        changed: [[place], []],
        applied: ours(),
        configured: "configured",
        undone: [[place]],
        left: [0, 0, "available"],
      },
    );
  });

  it("is set up again at the next start and in other windows, and taken back in all of them", async () => {
    const [other, later] = [createTerminals(), createTerminals()];
    const window = createToolSetup({ ...world.deps, terminals: other.terminals });
    await world.setup.apply(["copilot-cli"]);
    await window.refresh();
    const inOther = Object.fromEntries(other.variables);
    const gateway = "https://gateway.example/api/v1";
    const moved = world.restarted({ terminals: later.terminals, helperCommand: "/opt/or-key", openRouterUrl: gateway });
    await moved.refresh();
    const record = [...world.undoStore.records];
    await moved.refresh();
    const isStill = JSON.stringify(record) === JSON.stringify([...world.undoStore.records]);
    const inLater = Object.fromEntries(later.variables);
    await world.setup.undo(["copilot-cli"]);
    await window.refresh();
    await moved.refresh();
    assert.deepStrictEqual(
      { inOther, inLater, isStill, left: [world.terminals.size, other.variables.size, later.variables.size] },
      { inOther: ours(), inLater: variablesWith("/opt/or-key", gateway), isStill: true, left: [0, 0, 0] },
    );
  });
});
