import assert from "node:assert/strict";

import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { createSecretCopies } from "../../../extension/ui/copy-secret.ts";
import { address, createEditor, settled } from "../support/editor.ts";
import { builtKey } from "../support/fake-function.ts";

const laptop = builtKey({ id: "key-1" });
const server = builtKey({ id: "key-2", name: "server" });

/** Two keys; only the laptop's secret is stored here. A minute passes when `pass` is called. */
async function createHarness(answer?: "Copy Secret") {
  const editor = await createEditor({ answers: [["Copy the secret", answer]] });
  for (const key of [laptop, server]) editor.remote.keys.set(key.id, key);
  await editor.vault.secrets.put(address, laptop.id, laptop.secret);
  await editor.ring.refresh();
  let text = "mine";
  let pass: () => void = () => {};
  let isHidden = false;
  const clipboard = {
    readText: async () => (isHidden ? "" : text),
    writeText: async (written: string) => void (text = written),
  };
  const clock = {
    sleep: (milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        assert.equal(milliseconds, 60_000);
        pass = resolve;
        signal?.addEventListener("abort", () => reject(new CancelledError()));
      }),
  };
  const copies = createSecretCopies({ ...editor, clipboard, clock });
  const copy = async (keyId?: string): Promise<string> => {
    const end = await copies.copy(keyId === undefined ? undefined : { keyId }).then(
      () => "done",
      (error: unknown) =>
        error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
    );
    await settled();
    return end;
  };
  return {
    editor,
    copies,
    copy,
    read: () => text,
    hide: () => void (isHidden = true),
    copyByHand: (other: string) => void (text = other),
    aMinute: async () => {
      pass();
      await settled();
    },
  };
}

describe("the command Copy Secret", () => {
  it("copies after a yes that says what it means, and takes it out again after a minute", async () => {
    const { editor, copy, read, aMinute } = await createHarness("Copy Secret");
    const end = await copy("key-1");
    const during = read();
    await aMinute();
    assert.deepEqual(
      [
        end,
        during,
        read(),
        editor.dialogs.shown,
        [...editor.log.lines, ...editor.dialogs.shown].join().includes(laptop.secret),
      ],
      [
        "done",
        laptop.secret,
        "",
        [
          "confirm: Copy the secret of “laptop”? Whoever has it can spend on your account until the key is disabled. It is taken out of the clipboard after a minute, if it is still there; a clipboard history may keep it. [Copy Secret]",
          "info: The secret of “laptop” is in the clipboard for a minute.",
        ],
        false,
      ],
    );
  });

  it("copies nothing without a yes", async () => {
    const { copy, read } = await createHarness();
    assert.deepEqual([await copy("key-1"), read()], ["cancelled", "mine"]);
  });

  it("leaves alone what the person has copied since", async () => {
    const { copy, read, copyByHand, aMinute } = await createHarness("Copy Secret");
    await copy("key-1");
    copyByHand("something else");
    await aMinute();
    assert.equal(read(), "something else");
  });

  it("clears what it may not look at", async () => {
    const { copy, read, hide, aMinute } = await createHarness("Copy Secret");
    await copy("key-1");
    hide();
    await aMinute();
    assert.equal(read(), "");
  });

  it("clears it when the window closes, once", async () => {
    const { copies, copy, read, copyByHand } = await createHarness("Copy Secret");
    await copy("key-1");
    await copies.clear();
    const closed = read();
    copyByHand(laptop.secret);
    await copies.clear();
    assert.deepEqual([closed, read()], ["", laptop.secret]);
  });

  it("is offered only for keys whose secret is here, and says what to do about others", async () => {
    const { editor, copy, read } = await createHarness("Copy Secret");
    const other = await copy("key-2");
    await copy();
    assert.deepEqual(
      [other, editor.dialogs.shown.at(-1), read()],
      [
        "The secret of “server” is not stored in this editor, and nobody else has it. Rotate the key to get one that is.",
        "pick: Which key? (laptop)",
        "mine",
      ],
    );
  });
});
