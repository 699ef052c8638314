import assert from "node:assert/strict";

import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { configureTools, undoTools } from "../../../extension/ui/set-up-tools.ts";
import { builtKey } from "../support/fake-function.ts";
import { address, createEditor, settled } from "../support/editor.ts";

type Options = Parameters<typeof createEditor>[0];

async function createWithKeys(names: readonly string[], options: Options) {
  const editor = await createEditor(options);
  for (const name of names) {
    const key = builtKey({ id: `key-${name}`, name });
    editor.remote.keys.set(key.id, key);
    await editor.vault.secrets.put(address, key.id, key.secret);
  }
  return editor;
}

describe("setting up coding tools", () => {
  it("takes the only key that there is", async () => {
    const editor = await createWithKeys(["laptop"], { answers: [["Set up these tools", ["Claude Code"]]] });
    await configureTools(editor);
    await settled();
    assert.deepEqual(
      [editor.toolCalls, await editor.toolsKey.readSecret(), editor.dialogs.shown.at(-1)],
      [
        ["apply claude-code"],
        builtKey({ id: "key-laptop" }).secret,
        "info: Claude Code uses the key “laptop”. Restart Claude Code. [Undo]",
      ],
    );
  });

  it("asks which key where there are several", async () => {
    const editor = await createWithKeys(["laptop", "server"], {
      answers: [
        ["Which key", "server"],
        ["Set up these tools", ["Claude Code", "Codex"]],
      ],
      tools: { "claude-code": "configured", codex: "available" },
    });
    await configureTools(editor);
    await settled();
    assert.deepEqual(
      [await editor.toolsKey.readSecret(), editor.toolCalls, editor.dialogs.shown.at(-1)],
      [
        builtKey({ id: "key-server" }).secret,
        ["apply claude-code", "apply codex"],
        "info: Claude Code and Codex use the key “server”. Restart Claude Code. Restart Codex. [Undo]",
      ],
    );
  });

  it("says what to do when no key has its secret here", async () => {
    const editor = await createEditor();
    editor.remote.keys.set("key-1", builtKey({ id: "key-1" }));
    await assert.rejects(
      configureTools(editor),
      new UserError("No working key has its secret in this editor. Create a key first."),
    );
  });

  it("proves that the key reaches the tools, and asks OpenRouter about it, before it says so", async () => {
    const editor = await createWithKeys(["laptop"], { answers: [["Set up these tools", ["Claude Code"]]] });
    await configureTools(editor);
    assert.deepEqual(
      [editor.checks.toSorted(), editor.checks.indexOf("serve")],
      [["ask OpenRouter", "serve", "verify claude-code"], 0],
    );
  });

  it("says which tools get no key and why, once for all of them, and offers to set back what was written", async () => {
    const why = "The key helper gives no key. VS Code is not running.";
    const editor = await createWithKeys(["laptop"], {
      answers: [
        ["Set up these tools", ["Claude Code", "Codex"]],
        ["gives no key", "Undo"],
      ],
      tools: { "claude-code": "available", codex: "available" },
      verify: async (ids) => ids.map((id) => ({ id, label: id, ok: false, message: why })),
      check: { kind: "doubtful", message: "openrouter.test could not be reached." },
    });
    await configureTools(editor);
    await settled();
    assert.deepEqual(
      [editor.dialogs.shown.filter((line) => line.startsWith("warn")), editor.toolCalls],
      [
        [`warn: claude-code and codex: ${why} openrouter.test could not be reached. [Undo]`],
        ["apply claude-code", "apply codex", "undo claude-code", "undo codex"],
      ],
    );
  });

  it("keeps the tools set up when the person cancels the check, and says that there was none", async () => {
    const editor = await createWithKeys(["laptop"], {
      answers: [["Set up these tools", ["Claude Code"]]],
      verify: (_, signal) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(new CancelledError()));
          cancelCheck();
        }),
    });
    let cancelCheck = (): void => {};
    editor.dialogs.onProgress = (cancel) => (cancelCheck = cancel);
    await configureTools(editor);
    await settled();
    assert.deepEqual(
      [editor.toolCalls, editor.dialogs.shown.at(-1)],
      [
        ["apply claude-code"],
        "warn: Claude Code uses the key “laptop”. Restart Claude Code. Whether it works was not checked. [Undo]",
      ],
    );
  });

  it("names what it would replace, shows the changes before anything is written, and lets the person go", async () => {
    const editor = await createWithKeys(["laptop"], {
      conflicts: ["env.ANTHROPIC_API_KEY", "apiKeyHelper"],
      looksAt: ["claude-code"],
    });
    await configureTools(editor);
    await settled();
    assert.deepEqual(
      [editor.dialogs.shown.slice(-2), editor.toolCalls],
      [
        [
          "changes: Replaces your own env.ANTHROPIC_API_KEY and apiKeyHelper, which undo puts back. Claude Code is available. theirs → ours",
          "pick: Set up these tools to use the key “laptop”? (Claude Code)",
        ],
        [],
      ],
    );
  });

  it("remembers which tools were left out, for this machine and the next window", async () => {
    const tools = { "claude-code": "available", codex: "available" } as const;
    const answers = (...labels: readonly string[]): [string, unknown][] => [["Set up these tools", labels]];
    const memory = new Map<string, unknown>();
    const first = await createWithKeys(["laptop"], { tools, memory, answers: answers("Claude Code") });
    await configureTools(first);
    const second = await createWithKeys(["laptop"], { tools, memory, answers: answers("Codex, unticked") });
    await configureTools(second);
    // Where a tool that was left out is not there for once, it is not forgotten.
    await configureTools(
      await createWithKeys(["laptop"], { tools: { codex: "available" }, memory, answers: answers("Codex") }),
    );
    const third = await createWithKeys(["laptop"], { tools, memory });
    await configureTools(third);
    const asked = ({ dialogs }: typeof first) => dialogs.shown.find((line) => line.startsWith("pick"));
    assert.deepEqual(
      [asked(second), second.toolCalls, asked(third)],
      [
        "pick: Set up these tools to use the key “laptop”? (Claude Code) (Codex, unticked)",
        ["apply codex"],
        "pick: Set up these tools to use the key “laptop”? (Claude Code, unticked) (Codex)",
      ],
    );
  });

  it("says which tool could not be set up and why, and undoes only the others", async () => {
    const editor = await createWithKeys(["laptop"], {
      answers: [
        ["Set up these tools", ["Claude Code", "Codex"]],
        ["Codex: Its file", "Undo"],
      ],
      tools: { "claude-code": "available", codex: "available" },
    });
    const setup = await editor.toolSetup();
    const toolSetup = async () => ({
      ...setup,
      apply: async () => [
        ...(await setup.apply(["claude-code"])),
        { id: "codex", label: "Codex", ok: false, message: "Its file cannot be read." } as const,
      ],
    });
    await configureTools({ ...editor, toolSetup });
    await settled();
    assert.deepEqual(
      [editor.dialogs.shown.filter((line) => line.startsWith("warn")), editor.toolCalls],
      [
        ["warn: Claude Code uses the key “laptop”. Restart Claude Code. Codex: Its file cannot be read. [Undo]"],
        ["apply claude-code", "undo claude-code"],
      ],
    );
  });
});

describe("undoing the tool setup", () => {
  it("goes on serving the key while a tool is left that uses it", async () => {
    const editor = await createWithKeys(["laptop"], {
      answers: [
        ["Set these tools back", ["Codex"]],
        ["Set these tools back", ["Claude Code"]],
      ],
      tools: { "claude-code": "configured", codex: "configured" },
    });
    await editor.toolsKey.use(await editor.accessToken.ask(), "key-laptop");
    await undoTools(editor);
    const afterOne = await editor.toolsKey.readSecret();
    await undoTools(editor);
    assert.deepEqual(
      [afterOne, await editor.toolsKey.readSecret(), editor.toolCalls],
      [builtKey({ id: "key-laptop" }).secret, undefined, ["undo codex", "undo claude-code"]],
    );
  });

  it("works for somebody who is signed out, and says when there is nothing to undo", async () => {
    const editor = await createEditor({ isSignedIn: false, reading: { kind: "none" } });
    await undoTools(editor);
    assert.deepEqual(
      [editor.dialogs.shown, editor.asked],
      [["info: No coding tool is set up by OpenRouter Keys."], []],
    );
  });
});
