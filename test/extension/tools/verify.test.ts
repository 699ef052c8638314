import assert from "node:assert/strict";
import { join } from "node:path";
import { CancelledError } from "../../../extension/base/errors.ts";
import type { ToolId } from "../../../extension/tools/catalogue.ts";
import { until } from "../../support/until.ts";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

describe("the check of a tool that was set up", () => {
  let world: ToolWorld;

  afterEach(() => world.remove());

  /** A home in which the key helper is this script; each of its runs leaves a line in the file `runs`. */
  async function withHelper(script: string, ids: readonly ToolId[]) {
    world = await createToolWorld();
    const helperCommand = join(world.bin, "or-key");
    const setup = world.restarted({ helperCommand });
    await world.addProgram("or-key", `#!/bin/sh\necho >> "${world.path("runs")}"\n${script}\n`);
    for (const outcome of await setup.apply(ids)) assert.ok(outcome.ok);
    return {
      setup,
      found: async () =>
        (await setup.verify(ids)).map((outcome) => [outcome.id, outcome.ok ? "" : outcome.message] as const),
      runs: async () => (await world.read("runs"))?.length ?? 0,
    };
  }

  it("runs the key helper once for all tools that ask it", async () => {
    const { found, runs } = await withHelper("echo sk-or-v1-tools", ["claude-code", "opencode", "pi", "cline"]);
    assert.deepStrictEqual([await found(), await runs()], [[], 1]);
  });

  it("says what the helper says, and has no complaint about a tool that has the key in a file", async () => {
    const script = `echo "OpenRouter Keys: VS Code is not running." >&2; exit 1`;
    const { found } = await withHelper(script, ["claude-code", "cline"]);
    assert.deepStrictEqual(await found(), [["claude-code", "The key helper gives no key. VS Code is not running."]]);
  });

  it("hears of a helper that cannot run, and of one that gives another key, without telling either key", async () => {
    const broken = await withHelper("exit 127", ["pi"]);
    const [[, why] = []] = await broken.found();
    assert.match(why ?? "", /gives no key\. Run .*or-key in a terminal/);
    await world.remove();
    const { found } = await withHelper("echo sk-or-v1-other", ["pi"]);
    const [[, other] = []] = await found();
    assert.match(other ?? "", /gives another key than the one you chose/);
    assert.doesNotMatch(`${other}${world.logged.join("\n")}`, /sk-or-/);
  });

  it("reads back what the tool reads: somebody else's key, or none, is no set-up", async () => {
    const { found } = await withHelper("echo sk-or-v1-tools", ["cline", "claude-code"]);
    const file = ".cline/data/settings/providers.json";
    await world.write(file, (await world.read(file))?.replace("sk-or-v1-tools", "sk-or-v1-other") ?? "");
    await world.write(".claude/settings.json", "{}");
    const gone = "It is not set up any more. Set it up again.";
    assert.deepStrictEqual(await found(), [
      ["claude-code", gone],
      ["cline", gone],
    ]);
  });

  it("ends with the signal, also while the helper keeps silent", async () => {
    const { setup, runs } = await withHelper("exec /bin/sleep 60", ["pi"]);
    const stop = new AbortController();
    const check = setup.verify(["pi"], stop.signal);
    await until(async () => (await runs()) === 1);
    stop.abort();
    await assert.rejects(check, CancelledError);
  });
});

describe("the list of tools that go with a key", () => {
  it("has those that were set up, with what a changed key means to each, until they are set back", async () => {
    const world = await createToolWorld();
    try {
      const used = async (setup = world.setup) =>
        (await setup.inUse()).map(({ id, isCurrent, holdsKey, rereadsKey }) =>
          [id, isCurrent && "current", holdsKey && "in its file", rereadsKey && "asks again"]
            .filter(Boolean)
            .join(", "),
        );
      const before = await used();
      await world.setup.apply(["claude-code", "pi", "cline"]);
      const rotated = world.restarted({ readKey: async () => "sk-or-v1-rotated" });
      const stale = await used(rotated);
      await rotated.refresh();
      const switched = await used(rotated);
      await rotated.undo(["pi"]);
      const signedOut = await used(world.restarted({ readKey: async () => undefined }));
      assert.deepStrictEqual(
        { before, stale, switched, signedOut },
        {
          before: [],
          stale: ["claude-code, current, asks again", "pi, current", "cline, in its file"],
          switched: ["claude-code, current, asks again", "pi, current", "cline, current, in its file"],
          signedOut: ["claude-code, current, asks again", "cline, current, in its file"],
        },
      );
    } finally {
      await world.remove();
    }
  });
});

describe("what a set-up would replace", () => {
  it("is named by the file where that is ours as a whole", async () => {
    const world = await createToolWorld();
    try {
      await world.write(".config/opencode/plugins/openrouter-key.js", "// mine");
      const plan = await world.setup.plan(["opencode"]);
      assert.deepStrictEqual(
        plan.map(({ setting, replaces }) => [setting, replaces]),
        [["openrouter-key.js", true]],
      );
    } finally {
      await world.remove();
    }
  });
});
