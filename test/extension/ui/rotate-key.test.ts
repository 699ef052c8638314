import assert from "node:assert/strict";

import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { rotateKey } from "../../../extension/ui/rotate-key.ts";
import { builtKey } from "../support/fake-function.ts";
import { address, createEditor, settled } from "../support/editor.ts";

type Options = NonNullable<Parameters<typeof createEditor>[0]>;

/** One key that the tools get; `isStored`: its secret is in this editor. */
async function createWithKey(isStored = true, options: Options = {}) {
  const editor = await createEditor(options);
  const laptop = builtKey({ id: "key-1" });
  editor.remote.keys.set(laptop.id, laptop);
  if (isStored) {
    await editor.vault.secrets.put(address, laptop.id, laptop.secret);
    await editor.toolsKey.use({ address, token: "", account: editor.remote.me.account }, laptop.id);
  }
  await editor.ring.refresh();
  const deps = editor.createKeyDeps;
  const rotate = async (argument: unknown = { keyId: "key-1" }): Promise<string> => {
    const end = await rotateKey(deps, argument).then(
      () => "done",
      (error: unknown) =>
        error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
    );
    await settled();
    return end;
  };
  const states = () => [...editor.remote.keys.values()].map(({ name, state }) => `${name} ${state}`);
  return { editor, rotate, states };
}

const at = new Date("2026-11-24T11:00:00.000Z").toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
const said = `info: The key “laptop” is rotated: your coding tools use the new one, and the old one stops working at ${at}.`;

describe("the command Rotate OpenRouter Key", () => {
  it("asks nothing, makes a successor, gives it to the tools, and says when the old key ends", async () => {
    const { editor, rotate, states } = await createWithKey();
    editor.clock.beforeSleep = () => {};
    const end = await rotate();
    const served = await editor.toolsKey.readSecret();
    const successor = [...editor.remote.keys.values()].at(-1);
    assert.deepEqual(
      [end, editor.dialogs.shown, states(), served === successor?.secret],
      [
        "done",
        ["progress: Rotating the key “laptop”", "progress: Checking it with OpenRouter…", said],
        ["laptop retiring", "laptop active"],
        true,
      ],
    );
  });

  it("signs in once more where that is wanted, and goes on with the same request", async () => {
    const { editor, rotate, states } = await createWithKey();
    const path = "POST /v1/keys/key-1/rotate";
    editor.remote.faults.push([path, { code: "reauth_required" }]);
    const end = await rotate();
    const sent = editor.remote.requests.filter(({ method, url }) => method === "POST" && url.endsWith("/rotate"));
    assert.deepEqual(
      [
        end,
        editor.asked,
        new Set(sent.map(({ headers }) => headers.get("Idempotency-Key"))).size,
        sent.length,
        states(),
      ],
      ["done", ["fresh"], 1, 2, ["laptop retiring", "laptop active"]],
    );
  });

  for (const [answer, end, states] of [
    ["Rotate", "done", ["laptop retiring", "laptop active"]],
    [undefined, "cancelled", ["laptop active"]],
  ] as const) {
    it(`asks first when the secret is elsewhere, and is ${end} after ${answer ?? "no answer"}`, async () => {
      const world = await createWithKey(false, { answers: [["Rotate the key", answer]] });
      const result = await world.rotate();
      const [question = "", ...rest] = world.editor.dialogs.shown;
      assert.deepEqual(
        [result, question.includes("goes on working for an hour and then stops"), world.states(), rest.at(-1) ?? ""],
        [
          end,
          true,
          states,
          answer === undefined
            ? ""
            : said.replace("your coding tools use the new one", "the new one is stored in this editor"),
        ],
      );
    });
  }

  it("names the tools that have the new one, what to start again, and what could not be switched", async () => {
    const { editor, rotate } = await createWithKey(true, {
      tools: { "claude-code": "configured", codex: "configured" },
      use: { codex: { rereadsKey: false, holdsKey: true } },
    });
    await rotate();
    const { editor: other, rotate: rotateOther } = await createWithKey(true, {
      tools: { "claude-code": "configured", codex: "configured" },
      use: { codex: { isCurrent: false, holdsKey: true } },
    });
    await rotateOther();
    const ends = `and the old one stops working at ${at}.`;
    assert.deepEqual(
      [editor.toolCalls, editor.dialogs.shown.at(-1), other.dialogs.shown.at(-1)],
      [
        ["refresh"],
        `info: The key “laptop” is rotated: Claude Code and Codex use the new one, ${ends} Start Codex again, or reload the window in VS Code: the key is read at the start only.`,
        `info: The key “laptop” is rotated: Claude Code uses the new one, ${ends} The settings of Codex have changed since: “Set Up Coding Tools” gives them the new one.`,
      ],
    );
  });

  it("shows only active keys from the palette", async () => {
    const { editor, rotate } = await createWithKey();
    editor.remote.keys.set("key-2", builtKey({ id: "key-2", name: "old", state: "retiring" }));
    await editor.ring.refresh();
    assert.deepEqual([await rotate(null), editor.dialogs.shown], ["cancelled", ["pick: Which key? (laptop)"]]);
  });

  it("says the function's reason, and leaves the key as it is", async () => {
    const { editor, rotate, states } = await createWithKey();
    editor.remote.faults.push(["POST /v1/keys/key-1/rotate", { code: "allowance_spent", detail: "Nothing is left." }]);
    assert.deepEqual(
      [await rotate(), states(), (await editor.toolsKey.readSecret()) !== undefined],
      ["Nothing is left.", ["laptop active"], true],
    );
  });

  it("says so as well when the rotation ends in the background", async () => {
    const { editor, rotate, states } = await createWithKey();
    editor.remote.faults.push(["POST /v1/keys/key-1/rotate", "lost-answer"]);
    editor.dialogs.onProgress = (cancel) => (editor.clock.beforeSleep = cancel);
    const end = await rotate();
    await editor.settle();
    await settled();
    assert.deepEqual(
      [end, editor.settlesAsked(), states(), editor.dialogs.shown.at(-1)],
      ["cancelled", 1, ["laptop retiring", "laptop active"], said],
    );
  });
});
