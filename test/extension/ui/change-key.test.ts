import assert from "node:assert/strict";

import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { signInCommand, signOutCommand } from "../../../extension/ui/account-commands.ts";
import { deleteKey, disableKey, enableKey, renameKey } from "../../../extension/ui/change-key.ts";
import { builtKey } from "../support/fake-function.ts";
import { address, createEditor, settled } from "../support/editor.ts";

type Answers = readonly (readonly [text: string, answer: unknown])[];

/** Two keys; the tools use the first, whose secret is stored. */
async function createWithKeys(...answers: Answers) {
  const editor = await createEditor({
    answers: [...answers],
    tools: { "claude-code": "configured", codex: "configured" },
    use: { codex: { holdsKey: true } },
  });
  const laptop = builtKey({ id: "key-1" });
  for (const key of [laptop, builtKey({ id: "key-2", name: "server", state: "disabled" })])
    editor.remote.keys.set(key.id, key);
  await editor.vault.secrets.put(address, laptop.id, laptop.secret);
  await editor.toolsKey.use({ address, token: "", account: editor.remote.me.account }, laptop.id);
  await editor.ring.refresh();
  const states = () => [...editor.remote.keys.values()].map(({ name, state }) => `${name} ${state}`);
  return { editor, states };
}

async function endOf(work: Promise<void>): Promise<string> {
  const end = await work.then(
    () => "done",
    (error: unknown) =>
      error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
  );
  await settled();
  return end;
}

describe("the commands for one key", () => {
  it("delete a key for good, with its secret, after saying what that means for the tools", async () => {
    const { editor, states } = await createWithKeys(["Delete the key", "Delete"]);
    await endOf(deleteKey(editor, { keyId: "key-1" }));
    assert.deepEqual(
      [editor.dialogs.shown, states(), [...editor.storage.values.keys()].map((key) => key.split(" ")[0])],
      [
        [
          "confirm: Delete the key “laptop”? OpenRouter stops accepting it at once, and it cannot be brought back. Claude Code and Codex cannot use OpenRouter then, until you choose another key for them. Your plan gets its $25 a month back. [Delete]",
          "info: The key “laptop” is deleted.",
        ],
        ["server disabled"],
        ["session"],
      ],
    );
  });

  it("delete nothing without a yes", async () => {
    const { editor, states } = await createWithKeys();
    await endOf(deleteKey(editor, { keyId: "key-1" }));
    assert.deepEqual([states(), editor.storage.values.size], [["laptop active", "server disabled"], 3]);
  });

  it("keep the secret when the key could not be deleted", async () => {
    const { editor } = await createWithKeys(["Delete the key", "Delete"]);
    editor.remote.faults.push(["DELETE /v1/keys/key-1", { code: "upstream_busy", detail: "OpenRouter is busy." }]);
    const end = await endOf(deleteKey(editor, { keyId: "key-1" }));
    assert.deepEqual([end, editor.storage.values.size], ["OpenRouter is busy.", 3]);
  });

  it("disable and enable", async () => {
    const { editor, states } = await createWithKeys();
    await endOf(disableKey(editor, { keyId: "key-1" }));
    await endOf(enableKey(editor, { keyId: "key-2" }));
    assert.deepEqual(
      [states(), editor.dialogs.shown],
      [
        ["laptop disabled", "server active"],
        [
          "info: The key “laptop” is disabled. Claude Code and Codex cannot use OpenRouter until it is enabled again.",
          "info: The key “server” works again.",
        ],
      ],
    );
  });

  it("rename, and leave alone what keeps its name", async () => {
    const { editor, states } = await createWithKeys(["The key's name", "  desk  "], ["The key's name", "desk"]);
    await endOf(renameKey(editor, { keyId: "key-1" }));
    const requests = editor.remote.requests.length;
    await endOf(renameKey(editor, { keyId: "key-1" }));
    assert.deepEqual([states(), editor.remote.requests.length - requests], [["desk active", "server disabled"], 0]);
  });

  it("ask which key from the palette, among those for which it can be done", async () => {
    const { editor, states } = await createWithKeys(["Which key?", "server"]);
    await endOf(enableKey(editor, undefined));
    assert.deepEqual(
      [editor.dialogs.shown[0], states()],
      ["pick: Which key? (server)", ["laptop active", "server active"]],
    );
  });

  it("say so when there is no such key", async () => {
    const { editor } = await createWithKeys();
    assert.deepEqual(
      [
        await endOf(deleteKey(editor, { keyId: "key-9" })),
        await endOf(disableKey(editor, undefined)).then(() => editor.dialogs.shown),
      ],
      ["This key is no longer there. The list is up to date.", ["pick: Which key? (laptop)"]],
    );
  });

  it("sign in again when the session has ended, and then do it", async () => {
    const { editor, states } = await createWithKeys();
    editor.remote.sessions.clear();
    await endOf(disableKey(editor, { keyId: "key-1" }));
    assert.deepEqual([editor.asked, states()], [["sign in"], ["laptop disabled", "server disabled"]]);
  });
});

describe("the commands for the account", () => {
  it("sign out so that the tools get no key, and in again so that they do", async () => {
    const { editor } = await createWithKeys();
    await signOutCommand(editor);
    const signedOut = [editor.ring.current.kind, await editor.toolsKey.readSecret(), editor.remote.sessions.size];
    await signInCommand(editor);
    await settled();
    assert.deepEqual(
      {
        signedOut,
        signedIn: [editor.ring.current.kind, await editor.toolsKey.readSecret()],
        shown: editor.dialogs.shown,
      },
      {
        signedOut: ["signed-out", undefined, 0],
        signedIn: ["ready", builtKey({ id: "key-1" }).secret],
        shown: [
          "info: Signed out. Your keys go on existing. Claude Code gets no key until you sign in again. Codex goes on with the key in its file. [Set Tools Back]",
          "info: Signed in as ada@example.test.",
        ],
      },
    );
  });

  it("take the tools' settings back after a sign-out when the person says so", async () => {
    const { editor } = await createWithKeys(["Signed out", "Set Tools Back"]);
    await signOutCommand(editor);
    await settled();
    assert.deepEqual(
      [editor.toolCalls, editor.dialogs.shown.at(-1)],
      [
        ["undo claude-code", "undo codex"],
        "info: Claude Code and Codex are set back. Restart Claude Code. Restart Codex.",
      ],
    );
  });
});

describe("a key of the tools that ended elsewhere", () => {
  const stops = (editor: Awaited<ReturnType<typeof createEditor>>) =>
    editor.dialogs.shown.filter((line) => line.startsWith("warn"));

  for (const [change, sentence] of [
    ["revoked", "The key “laptop” was revoked."],
    ["disabled", "The key “laptop” was disabled."],
    ["expired", "The key “laptop” has expired."],
    ["deleted", "The key of your coding tools was deleted."],
  ] as const) {
    it(`is said once, with the tools that stop: ${change}`, async () => {
      const { editor } = await createWithKeys();
      const key = builtKey({ id: "key-1" });
      if (change === "deleted") editor.remote.keys.delete(key.id);
      else editor.remote.keys.set(key.id, { ...key, state: change });
      await editor.ring.refresh();
      await settled();
      await editor.ring.refresh();
      await settled();
      assert.deepEqual(stops(editor), [
        `warn: ${sentence} Claude Code and Codex cannot use OpenRouter any more. [Set Tools Back]`,
      ]);
    });
  }

  it("lets the person set the tools back at once", async () => {
    const { editor } = await createWithKeys(["cannot use OpenRouter", "Set Tools Back"]);
    editor.remote.keys.delete("key-1");
    await editor.ring.refresh();
    await settled();
    assert.deepEqual(editor.toolCalls, ["undo claude-code", "undo codex"]);
  });

  it("is not told to who disabled it here, and is told again when it ends a second time", async () => {
    const { editor } = await createWithKeys();
    await endOf(disableKey(editor, { keyId: "key-1" }));
    const own = stops(editor).length;
    await endOf(enableKey(editor, { keyId: "key-1" }));
    editor.remote.keys.set("key-1", { ...builtKey({ id: "key-1" }), state: "disabled" });
    await editor.ring.refresh();
    await settled();
    assert.deepEqual([own, stops(editor).length], [0, 1]);
  });

  it("ends with the access of a person who has left", async () => {
    const { editor } = await createWithKeys();
    editor.remote.faults.push(["GET /v1/me", { code: "offboarded" }]);
    await editor.ring.refresh();
    await settled();
    assert.deepEqual(
      [stops(editor), editor.ring.current.kind, await editor.toolsKey.readSecret()],
      [
        [
          "warn: Your access to OpenRouter has ended. Claude Code and Codex cannot use OpenRouter any more. [Set Tools Back]",
        ],
        "signed-out",
        undefined,
      ],
    );
  });

  it("is told in the window in front only, and nowhere when no tool uses it", async () => {
    const behind = await createEditor({ isInFront: false, tools: { "claude-code": "configured" } });
    const unused = await createEditor({ tools: {} });
    for (const editor of [behind, unused]) {
      editor.remote.keys.set("key-1", builtKey({ id: "key-1", state: "revoked" }));
      await editor.toolsKey.use({ address, token: "", account: editor.remote.me.account }, "key-1");
      await editor.ring.refresh();
      await settled();
    }
    assert.deepEqual([stops(behind), stops(unused)], [[], []]);
  });
});
