import assert from "node:assert/strict";
import type { ToolSetupDeps } from "../../../extension/tools/tool.ts";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

/** What Roo Code offers to other extensions, with the profiles that it holds. */
function createRoo(names: readonly string[]) {
  const profiles = new Map<string, unknown>(names.map((name) => [name, { apiProvider: "anthropic" }]));
  let active = names[0];
  const must = (name: string): void => {
    if (!profiles.has(name)) throw new Error(`Profile ${name} does not exist`);
  };
  return {
    profiles,
    active: () => active,
    api: {
      getProfiles: () => [...profiles.keys()],
      getActiveProfile: () => active,
      async setActiveProfile(name: string) {
        must(name);
        active = name;
      },
      async upsertProfile(name: string, settings: unknown, isActive: boolean) {
        profiles.set(name, settings);
        if (isActive) active = name;
      },
      async deleteProfile(name: string) {
        must(name);
        if (profiles.size === 1) throw new Error("You cannot delete the last profile");
        profiles.delete(name);
        if (active === name) active = [...profiles.keys()][0];
      },
    },
  };
}

describe("a tool that takes a profile from other extensions", () => {
  let world: ToolWorld;

  afterEach(() => world.remove());

  const open = async (id: string, api: unknown, changes: Partial<ToolSetupDeps> = {}): Promise<void> => {
    world = await createToolWorld({
      extensionFolder: (wanted) => (wanted === id ? "/extensions/it" : undefined),
      extensionApi: async (wanted) => (wanted === id ? api : undefined),
      ...changes,
    });
  };
  const settings = (key: string, url = "https://openrouter.ai/api/v1") => ({
    apiProvider: "openrouter",
    openRouterApiKey: key,
    openRouterModelId: "anthropic/claude-sonnet-4.5",
    openRouterBaseUrl: url,
  });
  const mine = { apiProvider: "anthropic" };

  for (const [id, extension] of [
    ["roo-code", "RooVeterinaryInc.roo-cline"],
    ["zoo-code", "ZooCodeOrganization.zoo-code"],
  ] as const) {
    it(`gets the key and the next one in a profile of ours, and its own one back: ${id}`, async () => {
      const roo = createRoo(["default", "work"]);
      await roo.api.setActiveProfile("work");
      await open(extension, roo.api);
      const stateOf = async () => (await world.setup.detect()).find((tool) => tool.id === id)?.state;
      const begun = await stateOf();
      const plan = JSON.stringify([await world.setup.plan([id]), await world.setup.preview(id)]);
      const outcomes = [...(await world.setup.apply([id])), ...(await world.setup.apply([id]))];
      const used = await world.setup.inUse();
      const applied = { active: roo.active(), profile: roo.profiles.get("OpenRouter Keys"), state: await stateOf() };
      const next = world.restarted({
        readKey: async () => "sk-or-v1-next",
        openRouterUrl: "https://gateway.example/v1",
      });
      await next.refresh();
      const rotated = roo.profiles.get("OpenRouter Keys");
      await next.undo([id]);
      assert.deepStrictEqual(
        {
          begun,
          isShown: plan.includes("openRouterBaseUrl"),
          inUse: used.map((tool) => [tool.id, tool.isCurrent, tool.holdsKey]),
          isKeyShown: (plan + world.logged.join("\n")).includes("sk-or-v1"),
          isKeyKept: JSON.stringify([...world.undoStore.records]).includes("sk-or-v1"),
          again: outcomes.map((outcome) => (outcome.ok ? outcome.changed.length > 0 : outcome.message)),
          applied,
          rotated,
          left: [roo.active(), Object.fromEntries(roo.profiles), world.undoStore.records.size],
        },
        {
          begun: "available",
          isShown: true,
          inUse: [[id, true, true]],
          isKeyShown: false,
          isKeyKept: false,
          again: [true, false],
          applied: { active: "OpenRouter Keys", profile: settings("sk-or-v1-tools"), state: "configured" },
          rotated: settings("sk-or-v1-next", "https://gateway.example/v1"),
          left: ["work", { default: mine, work: mine }, 0],
        },
      );
    });
  }

  it("keeps the profile that the person has chosen since", async () => {
    const roo = createRoo(["default"]);
    await open("RooVeterinaryInc.roo-cline", roo.api);
    await world.setup.apply(["roo-code"]);
    await roo.api.upsertProfile("other", mine, true);
    await world.restarted({ readKey: async () => "sk-or-v1-next" }).refresh();
    const active = roo.active();
    await world.setup.undo(["roo-code"]);
    assert.deepStrictEqual([active, roo.active(), [...roo.profiles.keys()]], ["other", "other", ["default", "other"]]);
  });

  it("does not keep the key where ours is the only profile, which cannot be deleted", async () => {
    const roo = createRoo([]);
    await open("RooVeterinaryInc.roo-cline", roo.api);
    await world.setup.apply(["roo-code"]);
    await world.setup.undo(["roo-code"]);
    assert.deepStrictEqual([...roo.profiles.values()], [{ apiProvider: "openrouter" }]);
  });

  it("is told to be updated when it offers nothing, and can be undone when it is gone", async () => {
    const roo = createRoo(["default"]);
    await open("RooVeterinaryInc.roo-cline", roo.api);
    await world.setup.apply(["roo-code"]);
    const gone = world.restarted({ extensionApi: async () => undefined });
    const outcomes = await gone.undo(["roo-code"]);
    const without = world.restarted({ extensionApi: async () => ({ getProfiles: () => [] }) });
    const [refused] = await without.apply(["roo-code"]);
    assert.deepStrictEqual(
      [outcomes.map(({ ok }) => ok), refused?.ok === false && refused.message, world.undoStore.records.size],
      [
        [true],
        "This version of Roo Code takes no profile from another extension. Update it and reload the window, then try again.",
        0,
      ],
    );
  });
});
