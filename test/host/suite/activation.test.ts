import assert from "node:assert/strict";
import * as vscode from "vscode";
import * as z from "zod/mini";

const id = "openrouter-keys.openrouter-keys";

const contributions = z.object({
  commands: z._default(z.array(z.object({ command: z.string() })), []),
  authentication: z._default(z.array(z.object({ id: z.string() })), []),
  configuration: z.optional(
    z.object({ properties: z.record(z.string(), z.object({ default: z.optional(z.unknown()) })) }),
  ),
  views: z._default(z.record(z.string(), z.array(z.object({ id: z.string() }))), {}),
});
const manifest = z.object({ contributes: z._default(contributions, { commands: [], authentication: [], views: {} }) });

describe("The extension in VS Code", () => {
  function extension(): vscode.Extension<unknown> {
    const found = vscode.extensions.getExtension<unknown>(id);
    if (found === undefined) throw new Error(`${id} is not installed`);
    return found;
  }
  const contributed = () => manifest.parse(extension().packageJSON).contributes;

  it("is there and activates", async () => {
    await extension().activate();
    assert.equal(extension().isActive, true);
  });

  it("registers every command that its package.json names", async () => {
    await extension().activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    const named = contributed().commands.map(({ command }) => command);
    assert.deepStrictEqual(
      { some: named.length > 0, missing: named.filter((command) => !registered.has(command)) },
      { some: true, missing: [] },
    );
  });

  it("has a place for every view that its package.json names", async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const views = Object.values(contributed().views).flat();
    assert.deepStrictEqual(
      views.filter((view) => !registered.has(`${view.id}.focus`)),
      [],
    );
  });

  it("knows every setting of its package.json with its default", () => {
    const settings = Object.entries(contributed().configuration?.properties ?? {});
    const known = settings.map(([key]) => [key, vscode.workspace.getConfiguration().inspect(key)?.defaultValue]);
    assert.deepStrictEqual(
      known,
      settings.map(([key, setting]) => [key, setting.default]),
    );
  });

  it("has nobody signed in and asks nothing when only looked at", async () => {
    for (const provider of contributed().authentication) {
      assert.equal(await vscode.authentication.getSession(provider.id, [], { silent: true }), undefined);
    }
  });
});
