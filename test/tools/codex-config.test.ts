import assert from "node:assert/strict";
import { dirname, delimiter } from "node:path";
import { createToolWorld } from "../extension/tools/tool-world.ts";
import type { ToolWorld } from "../extension/tools/tool-world.ts";
import { ensureTools } from "./setup.ts";

const file = ".codex/config.toml";

// Codex's own writer, run by us, on what people have in their files.
describe("editing Codex's configuration with the real Codex", function () {
  this.timeout(120_000);
  let world: ToolWorld;
  let path = "";

  before(async function () {
    this.timeout(900_000);
    const { codex, node } = await ensureTools();
    path = [dirname(codex), dirname(node)].join(delimiter);
  });

  beforeEach(async () => {
    world = await createToolWorld({ env: { PATH: path } });
  });

  afterEach(() => world.remove());

  const provider = (): string =>
    [
      `[model_providers.openrouter]`,
      `name = "OpenRouter"`,
      `base_url = "https://openrouter.ai/api/v1"`,
      `wire_api = "responses"`,
      ``,
      `[model_providers.openrouter.auth]`,
      `command = "${world.deps.helperCommand}"`,
      `args = []`,
      ``,
    ].join("\n");

  interface State {
    readonly before: string | undefined;
    readonly after: () => string;
    /** What is left when somebody else has written to the file and undo has to go value by value. */
    readonly left?: string;
  }

  const states: Record<string, State> = {
    "no file": {
      before: undefined,
      after: () => `model = "~openai/gpt-latest"\nmodel_provider = "openrouter"\n\n${provider()}`,
    },
    "comments, other values and a model of the person's own": {
      before: `# mine\nmodel = "gpt-5.5" # the usual\n\n[tui]\nanimations = false # quiet\n`,
      after: () =>
        `# mine\nmodel = "~openai/gpt-latest" # the usual\nmodel_provider = "openrouter"\n\n[tui]\nanimations = false # quiet\n\n${provider()}`,
    },
    "the line endings of Windows and a byte order mark": {
      before: `\uFEFF# mine\r\nmodel = "gpt-5.5"\r\n`,
      after: () =>
        `\uFEFF# mine\nmodel = "~openai/gpt-latest"\nmodel_provider = "openrouter"\n\n${provider()}`.replaceAll(
          "\n",
          "\r\n",
        ),
    },
    "no newline at the end": {
      before: `model_provider = "lmstudio"\nmodel = "openai/gpt-oss-20b"`,
      after: () => `model_provider = "openrouter"\nmodel = "~openai/gpt-latest"\n\n${provider()}`,
      left: `model_provider = "lmstudio"\nmodel = "openai/gpt-oss-20b"\n`,
    },
    "a provider of the person's own with a key from the environment": {
      before: `model = "anthropic/claude-sonnet-4.6"\nmodel_provider = "openrouter"\n\n[model_providers.openrouter] # own\nname = "OR"\n# why\nbase_url = "https://openrouter.ai/api/v1"\nenv_key = "MY_KEY"\n\n[model_providers.openrouter.http_headers]\n"X-Title" = "me"\n`,
      after: () =>
        `model = "anthropic/claude-sonnet-4.6"\nmodel_provider = "openrouter"\n\n[model_providers.openrouter] # own\nname = "OpenRouter"\n# why\nbase_url = "https://openrouter.ai/api/v1"\nwire_api = "responses"\n\n[model_providers.openrouter.http_headers]\n"X-Title" = "me"\n\n[model_providers.openrouter.auth]\ncommand = "${world.deps.helperCommand}"\nargs = []\n`,
    },
  };

  for (const [name, { before, after, left }] of Object.entries(states)) {
    it(`adds its values and nothing else, twice changes nothing, and undo restores every byte: ${name}`, async () => {
      if (before !== undefined) await world.write(file, before);
      const outcomes = [await world.setup.apply(["codex"]), await world.setup.apply(["codex"])];
      const applied = await world.read(file);
      const found = await world.setup.detect();
      await world.setup.undo(["codex"]);
      assert.deepStrictEqual(
        {
          outcomes: outcomes.flat().map((outcome) => (outcome.ok ? outcome.changed : outcome.message)),
          applied: utf8(applied),
          state: found[1]?.state,
          left: utf8(await world.read(file)),
          records: world.undoStore.records.size,
        },
        {
          outcomes: [[world.path(file)], []],
          applied: after(),
          state: "configured",
          left: before,
          records: 0,
        },
      );
    });

    it(`takes out only its own values when Codex has written to the file: ${name}`, async () => {
      if (before !== undefined) await world.write(file, before);
      await world.setup.apply(["codex"]);
      const eol = before?.includes("\r\n") ? "\r\n" : "\n";
      const more = `${eol}[projects."/work"]${eol}trust_level = "trusted"${eol}`;
      await world.write(file, `${utf8(await world.read(file)) ?? ""}${more}`);
      const outcomes = await world.setup.undo(["codex"]);
      const rest = utf8(await world.read(file)) ?? "";
      const [kept = "", added] = rest.split(`[projects."/work"]`);
      const lines = (text: string): string[] =>
        text
          .split(/\r?\n/)
          .filter((line) => line !== "")
          .toSorted();
      assert.deepStrictEqual(
        { outcomes: outcomes.map(({ ok }) => ok), kept: lines(kept), added: lines(added ?? "") },
        { outcomes: [true], kept: lines(left ?? before ?? ""), added: [`trust_level = "trusted"`] },
      );
    });
  }

  it("names the helper's new place when VS Code starts, and still undoes every byte", async () => {
    await world.write(file, `model = "gpt-5.5"\n`);
    await world.setup.apply(["codex"]);
    await world.restarted({ helperCommand: "/opt/or-key" }).refresh();
    const moved = await world.read(file);
    await world.setup.undo(["codex"]);
    assert.deepStrictEqual(
      [moved?.includes(`command = "/opt/or-key"`), await world.read(file), world.logged.length],
      [true, `model = "gpt-5.5"\n`, 2],
    );
  });

  const broken = {
    "is no TOML": { content: `model = \nfoo`, where: " (line 2, column 4)" },
    "holds a value of the wrong kind": { content: `model = 5\n`, where: "" },
  };
  for (const [name, { content, where }] of Object.entries(broken)) {
    it(`leaves a file alone that ${name}`, async () => {
      await world.write(file, content);
      assert.deepStrictEqual(
        [await world.setup.apply(["codex"]), await world.read(file), world.undoStore.records.size],
        [
          [
            {
              id: "codex",
              label: "Codex",
              ok: false,
              message: `Codex does not accept ${world.path(file)} as it is${where}, so it was left as it is. Mend it and try again.`,
            },
          ],
          content,
          0,
        ],
      );
    });
  }
});

function utf8(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, "latin1").toString("utf8");
}
