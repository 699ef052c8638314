import assert from "node:assert/strict";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

const file = ".cline/data/settings/providers.json";

// Cline writes its whole file anew when it runs, with the time of that.
describe("Cline's file after Cline has run", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
  });

  afterEach(() => world.remove());

  async function afterRun(before: string | undefined, change: (text: string) => string): Promise<unknown> {
    if (before !== undefined) await world.write(file, before);
    await world.setup.apply(["cline"]);
    const run = change((await world.read(file)) ?? "").replace(
      /"2026-01-01T00:00:00.000Z"/,
      `"2026-11-25T13:54:40.260Z"`,
    );
    await world.write(file, JSON.stringify(JSON.parse(run), undefined, 2));
    await world.setup.undo(["cline"]);
    const left = await world.read(file);
    return left === undefined ? undefined : JSON.parse(left);
  }

  const another = { version: 1, lastUsedProvider: "anthropic", modes: {}, providers: {} };

  it("holds nothing of ours after undo, which would make Cline take all of it as empty", async () => {
    assert.equal(await afterRun(undefined, (text) => text), undefined);
    assert.deepStrictEqual(await afterRun(JSON.stringify(another), (text) => text), another);
  });

  it("is joined by those of the older half of its extension where that is installed, and all go back", async () => {
    const state = `{\n  "actModeApiProvider": "anthropic",\n  "mcp": true\n}`;
    await world.write(".cline/data/globalState.json", state);
    const installed = world.restarted({
      extensionFolder: (id) => (id === "saoudrizwan.claude-dev" ? "/cline" : undefined),
    });
    const detail = (await installed.detect()).find(({ id }) => id === "cline")?.detail;
    await installed.apply(["cline"]);
    const secret = await world.read(".cline/data/secrets.json");
    const applied = JSON.parse((await world.read(".cline/data/globalState.json")) ?? "");
    // Uninstalled meanwhile.
    await world.setup.undo(["cline"]);
    assert.deepStrictEqual(
      {
        isTold: detail?.includes(world.path(".cline/data/secrets.json")),
        secret,
        applied,
        left: [await world.read(".cline/data/globalState.json"), await world.read(".cline/data/secrets.json")],
        records: world.undoStore.records.size,
      },
      {
        isTold: true,
        secret: `{\n  "openRouterApiKey": "sk-or-v1-tools"\n}\n`,
        applied: {
          planModeApiProvider: "openrouter",
          planModeOpenRouterModelId: "anthropic/claude-sonnet-4.5",
          actModeApiProvider: "openrouter",
          actModeOpenRouterModelId: "anthropic/claude-sonnet-4.5",
          welcomeViewCompleted: true,
          mcp: true,
        },
        left: [state, undefined],
        records: 0,
      },
    );
  });

  it("is alone where the older half would send the key to another address", async () => {
    const gateway = world.restarted({ extensionFolder: () => "/cline", openRouterUrl: "https://gateway.example/v1" });
    await gateway.apply(["cline"]);
    assert.equal(await world.read(".cline/data/secrets.json"), undefined);
  });

  it("keeps the whole entry when the person has put a key of their own into it", async () => {
    const left = await afterRun(JSON.stringify(another), (text) => text.replace("sk-or-v1-tools", "sk-or-v1-mine"));
    assert.deepStrictEqual(left, {
      ...another,
      providers: { openrouter: { settings: { apiKey: "sk-or-v1-mine" }, updatedAt: "2026-11-25T13:54:40.260Z" } },
    });
  });
});
