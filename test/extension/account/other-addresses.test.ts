import assert from "node:assert/strict";

import type { AddressReading } from "../../../extension/account/function-address.ts";
import { createOtherAddresses } from "../../../extension/account/other-addresses.ts";
import { createToolsKeyChoice } from "../../../extension/keys/tools-key.ts";
import { createLeavingAddress } from "../../../extension/ui/leave-address.ts";
import { account, builtKey, token } from "../support/fake-function.ts";
import { address, createEditor } from "../support/editor.ts";

const next: AddressReading = {
  kind: "address",
  address: { base: "https://next.test", origin: "https://next.test" },
};
const question =
  "The address of your company's function has changed. https://keys.test is not used any more: your coding tools get " +
  "no key of it. Sign out there, and forget the secrets of its keys?";

/** Signed in at the fake function, with a key for the tools; then another address is set. */
async function createMoved(answer?: string, confirmed?: string) {
  const editor = await createEditor({
    answers: [
      ...(answer === undefined ? [] : [["has changed", answer] as const]),
      ...(confirmed === undefined ? [] : [["Sign in at", confirmed] as const]),
    ],
  });
  const { secret, id } = builtKey();
  await editor.vault.secrets.put(address, id, secret);
  await editor.toolsKey.use({ address, token, account }, id);
  await editor.storage.store("tool-undo 0123456789abcdef codex", "{}");
  let reading: AddressReading = next;
  const now = (): AddressReading => reading;
  const others = createOtherAddresses({ ...editor, address: now, store: editor.storage });
  const changed: string[] = [];
  const leaving = createLeavingAddress({
    address: now,
    others,
    dialogs: editor.dialogs,
    setAddress: async (base) => {
      changed.push(base);
      reading = { kind: "address", address };
    },
  });
  const served = createToolsKeyChoice({ ...editor, address: now });
  return {
    editor,
    leaving,
    others,
    changed,
    served: () => served.readSecret(),
    kept: () => [...editor.storage.values.keys()].map((name) => name.split(" ")[0]).toSorted(),
  };
}

const everything = ["secret", "session", "tool-undo", "tools-key"];

describe("changing the function's address", () => {
  it("stops serving the tools at once, whatever the person answers", async () => {
    const { served } = await createMoved();
    assert.equal(await served(), undefined);
  });

  it("asks, signs out there and forgets its secrets, and nothing else", async () => {
    const { editor, leaving, kept } = await createMoved("Sign Out and Forget");
    await leaving.ask();
    await leaving.ask();
    assert.deepEqual(
      [editor.dialogs.shown, kept(), editor.remote.sessions.size, editor.remote.requests.map(({ url }) => url)],
      [
        [`warn: ${question} [Sign Out and Forget] [Change It Back]`, "info: Signed out at https://keys.test."],
        ["tool-undo"],
        0,
        ["https://keys.test/v1/session"],
      ],
    );
  });

  it("forgets although the function there is away", async () => {
    const { editor, leaving, kept } = await createMoved("Sign Out and Forget");
    editor.remote.faults.push(["DELETE /v1/session", "lost-request"]);
    await leaving.ask();
    assert.deepEqual(kept(), ["tool-undo"]);
  });

  it("can be taken back, and then nothing has happened", async () => {
    const { leaving, kept, changed, served, editor } = await createMoved("Change It Back");
    await leaving.ask();
    await leaving.ask();
    assert.deepEqual(
      [changed, kept(), await served(), editor.dialogs.shown.length],
      [["https://keys.test"], everything, builtKey().secret, 1],
    );
  });

  it("is asked about once and not with every letter, but again before somebody signs in elsewhere", async () => {
    const { leaving, kept, editor } = await createMoved(undefined, "Sign In");
    await leaving.ask();
    await leaving.ask();
    const before = kept();
    const may = await leaving.mayLeave({ base: "https://next.test", origin: "https://next.test" });
    assert.deepEqual(
      [before, may, kept(), editor.dialogs.shown.map((line) => line.split(" ").slice(0, 4).join(" "))],
      [everything, true, ["tool-undo"], ["warn: The address of", "confirm: Sign in at"]],
    );
  });

  it("keeps everything, and does not sign in, when the person thinks better of it", async () => {
    const { leaving, kept } = await createMoved();
    assert.deepEqual(
      [await leaving.mayLeave({ base: "https://next.test", origin: "https://next.test" }), kept()],
      [false, everything],
    );
  });

  it("asks nothing about an address where a sign-in was broken off, and forgets that with the next sign-in", async () => {
    const { editor, leaving, others, kept } = await createMoved(undefined, "Sign In");
    await others.forget();
    await editor.storage.store(`sign-in ${address.base} 1 x`, "{}");
    await leaving.ask();
    const before = kept();
    const may = next.kind === "address" && (await leaving.mayLeave(next.address));
    assert.deepEqual([before, may, kept(), editor.dialogs.shown], [["sign-in", "tool-undo"], true, ["tool-undo"], []]);
  });
});
