import assert from "node:assert/strict";

import type { ChatOfTheEditor } from "../../../extension/chat/chat-of-the-editor.ts";
import { createKey } from "../../../extension/ui/create-key.ts";
import { useInChat } from "../../../extension/ui/use-in-chat.ts";
import { createEditor, settled } from "../support/editor.ts";

async function openEditor(
  options: Parameters<typeof createEditor>[0] = {},
  ofChat: { readonly isSwitchedOff?: boolean; readonly needsSetUp?: boolean } = {},
) {
  const editor = await createEditor({ tools: {}, ...options });
  const did: string[] = [];
  const chat: ChatOfTheEditor = {
    isSwitchedOff: () => ofChat.isSwitchedOff ?? false,
    needsSetUp: async () => ofChat.needsSetUp ?? false,
    setUp: async () => void did.push("set up"),
    open: async () => void did.push("opened"),
  };
  const setOn = async (isOn: boolean): Promise<void> => void did.push(isOn ? "on" : "off");
  const createKeyNow = () => createKey(editor.createKeyDeps);
  const use = async (): Promise<void> => {
    await useInChat({ ...editor, chat, setOn, createKey: createKeyNow });
    await settled();
  };
  return { ...editor, did, use };
}

describe("using OpenRouter in the editor's chat", () => {
  it("makes a key where there is none, and says which one pays", async () => {
    const editor = await openEditor({
      answers: [
        ["A name for the key", "laptop"],
        ["in the model picker", "Open Chat"],
      ],
    });
    await editor.use();
    assert.deepEqual(
      [editor.did, editor.dialogs.shown.at(-1)],
      [
        ["on", "opened"],
        "info: OpenRouter's models are in the model picker of the editor's chat. The key “laptop” pays for them. [Open Chat] [Undo]",
      ],
    );
  });

  it("takes the key that the tools use without a question, and can be undone", async () => {
    const editor = await openEditor({ answers: [["A name for the key", "laptop"]] });
    await createKey(editor.createKeyDeps);
    await settled();
    const again = await openEditor({
      storage: editor.storage,
      remote: editor.remote,
      answers: [["model picker", "Undo"]],
    });
    await again.use();
    assert.deepEqual([again.did, again.dialogs.shown.length], [["on", "off"], 1]);
  });

  for (const [situation, answer, did, says] of [
    [
      "sets up a chat that nobody has set up, when the person says so",
      "Set Up Chat",
      ["on", "set up"],
      "chat. The key",
    ],
    [
      "leaves it alone otherwise, and says what the chat will ask",
      undefined,
      ["on"],
      "chat, which asks you to set it up",
    ],
  ] as const) {
    it(situation, async () => {
      const answers = [
        ["A name for the key", "laptop"],
        ...(answer === undefined ? [] : [["without an account", answer]]),
      ];
      const editor = await openEditor(
        { answers: answers.map(([text = "", given]) => [text, given] as const) },
        { needsSetUp: true },
      );
      await editor.use();
      assert.deepEqual([editor.did, editor.dialogs.shown.at(-1)?.includes(says)], [did, true]);
      assert.ok(editor.dialogs.shown.some((text) => text.includes("GitHub's terms and privacy statement apply")));
    });
  }

  it("does nothing where the person has switched off all such features", async () => {
    const editor = await openEditor({}, { isSwitchedOff: true });
    await editor.use();
    assert.deepEqual([editor.did, editor.dialogs.shown.length], [[], 1]);
  });

  it("stays off when no key was made", async () => {
    const editor = await openEditor();
    const error = await editor.use().catch((caught: unknown) => caught);
    assert.deepEqual([editor.did, String(error)], [[], "CancelledError: Cancelled."]);
  });
});
