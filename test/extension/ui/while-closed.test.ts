import assert from "node:assert/strict";

import { UserError } from "../../../extension/base/errors.ts";
import { configureTools } from "../../../extension/ui/set-up-tools.ts";
import { toggleWhileClosed } from "../../../extension/ui/while-closed.ts";
import { builtKey } from "../support/fake-function.ts";
import { address, createEditor, settled } from "../support/editor.ts";

type Options = NonNullable<Parameters<typeof createEditor>[0]>;

/** A person with one key who sets up Claude Code. */
async function setUp(options: Options) {
  const editor = await createEditor(options);
  const key = builtKey({ id: "key-1" });
  editor.remote.keys.set(key.id, key);
  await editor.vault.secrets.put(address, key.id, key.secret);
  await configureTools(editor);
  await settled();
  return editor;
}

const asked: [string, unknown] = ["Set up these tools", ["Claude Code"]];
const offer = "Also While VS Code Is Closed…";

describe("tools while VS Code is closed", () => {
  it("are offered after a set-up, and nothing is kept without a yes to the question that says what it is", async () => {
    const declined = await setUp({ keychain: { kind: "off" }, answers: [asked, ["Claude Code uses", offer]] });
    const agreed = await setUp({
      keychain: { kind: "off" },
      answers: [asked, ["Claude Code uses", offer], ["Keep a copy", "Keep a Copy"]],
    });
    const question = agreed.dialogs.shown.find((line) => line.startsWith("confirm")) ?? "";
    assert.deepEqual(
      [declined.toolCalls, agreed.toolCalls, question.includes("goes when you sign out")],
      [["apply claude-code"], ["apply claude-code", "keep a copy"], true],
    );
  });

  for (const [what, options] of [
    ["where the system cannot", {}],
    ["to who has it already", { keychain: { kind: "on" } }],
    [
      "for tools that have the key in a file",
      { keychain: { kind: "off" }, use: { "claude-code": { holdsKey: true } } },
    ],
  ] as const) {
    it(`are not offered ${what}`, async () => {
      const editor = await setUp({ ...options, answers: [asked] });
      assert.equal(editor.dialogs.shown.at(-1), "info: Claude Code uses the key “laptop”. Restart Claude Code. [Undo]");
    });
  }

  it("are taken back with the same command, which says why where it cannot be had", async () => {
    const on = await createEditor({ keychain: { kind: "on" }, answers: [["has a copy of their key", "Remove Copy"]] });
    await toggleWhileClosed(on);
    const off = await createEditor({ keychain: { kind: "off" }, answers: [["Keep a copy", "Keep a Copy"]] });
    await toggleWhileClosed(off);
    const not = await createEditor();
    await assert.rejects(toggleWhileClosed(not), new UserError("There is no keychain."));
    assert.deepEqual([on.toolCalls, off.toolCalls, not.toolCalls], [["remove the copy"], ["keep a copy"], []]);
  });
});
