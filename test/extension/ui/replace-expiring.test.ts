import assert from "node:assert/strict";

import type { ExpiryMode } from "../../../extension/manifest.ts";
import { createReplacing } from "../../../extension/ui/replace-expiring.ts";
import type { Key } from "../../../functions/contract/keys.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { address, createEditor, settled } from "../support/editor.ts";
import { builtKey, createFakeFunction } from "../support/fake-function.ts";

const day = 24 * 60 * 60_000;
const now = Date.parse("2026-11-24T10:00:00Z");
const at = (days: number): string => new Date(now + days * day).toISOString();
/** Made for the 90 days of the plan; five of them are left. */
const ending = { id: "key-1", createdAt: at(-85), expiresAt: at(5) };

interface World {
  readonly isStored?: boolean;
  readonly isForTools?: boolean;
  readonly mode?: ExpiryMode;
}

/** Windows of one person on one machine; each has seen the key, whose secret is stored there and which tools use. */
async function createWorld(
  facts: Partial<Key> = {},
  { isStored = true, isForTools = true, mode: first = "ask" }: World = {},
) {
  const remote = createFakeFunction();
  const storage = new MemorySecretStorage();
  const memory = new Map<string, string>();
  let mode: ExpiryMode = first;
  const key = builtKey({ ...ending, ...facts });
  remote.keys.set(key.id, key);

  async function openWindow(...answers: readonly (readonly [text: string, answer: unknown])[]) {
    const editor = await createEditor({ remote, storage, answers: [...answers] });
    if (isStored && remote.keys.size === 1) await editor.vault.secrets.put(address, key.id, key.secret);
    if (isForTools && remote.keys.size === 1)
      await editor.toolsKey.use({ address, token: "", account: remote.me.account }, key.id);
    await editor.ring.refresh();
    const window = { isInFront: true };
    const replacing = createReplacing({
      ...editor.createKeyDeps,
      memory: { get: (name) => memory.get(name), update: async (name, value) => void memory.set(name, value) },
      mode: () => mode,
      setMode: async (chosen) => void (mode = chosen),
      isInFront: () => window.isInFront,
      log: editor.log,
    });
    const follow = async (): Promise<void> => {
      await replacing.follow(editor.ring.current);
      await settled();
    };
    return { editor, window, follow, shown: editor.dialogs.shown };
  }
  return {
    remote,
    memory,
    openWindow,
    mode: () => mode,
    states: () => [...remote.keys.values()].map(({ state }) => state),
  };
}

const question =
  "info: The key “laptop” expires on 29 Nov. Should keys be replaced by themselves before they expire? Coding tools that are set up here go on working. [Replace Them] [Never]";

describe("a key that is about to expire", () => {
  it("is replaced after one question, and the tools get the successor", async () => {
    const { openWindow, mode, states, remote } = await createWorld();
    const { editor, follow, shown } = await openWindow(["Should keys be replaced", "Replace Them"]);
    await follow();
    const served = await editor.toolsKey.readSecret();
    assert.deepEqual(
      [
        shown[0],
        mode(),
        states(),
        served === [...remote.keys.values()].at(-1)?.secret,
        shown.at(-1)?.startsWith("info: The key “laptop” is rotated: your coding tools use the new one"),
      ],
      [question, "always", ["retiring", "active"], true, true],
    );
  });

  it("is replaced without a question from then on", async () => {
    const { openWindow, states } = await createWorld({}, { mode: "always" });
    const { follow, shown } = await openWindow();
    await follow();
    assert.deepEqual([states(), shown.some((text) => text.includes("Should keys"))], [["retiring", "active"], false]);
  });

  it("is left to expire by who says never, and is not asked about again", async () => {
    const { openWindow, mode, states } = await createWorld();
    const { follow, shown } = await openWindow(["Should keys be replaced", "Never"]);
    await follow();
    await follow();
    assert.deepEqual([shown, mode(), states()], [[question], "never", ["active"]]);
  });

  it("is asked about once more on its last day when the first question was closed", async () => {
    const { openWindow } = await createWorld();
    const first = await openWindow();
    await first.follow();
    await first.follow();
    const later = await openWindow();
    await later.follow();
    later.editor.clock.time += 4.5 * day;
    await later.follow();
    await later.follow();
    assert.deepEqual([first.shown, later.shown], [[question], [question]]);
  });

  for (const [name, facts, options] of [
    ["has time", { expiresAt: at(8) }, {}],
    ["has expired", { state: "expired" as const, expiresAt: at(-1) }, {}],
    ["is disabled", { state: "disabled" as const }, {}],
    ["has its secret elsewhere", {}, { isStored: false }],
    ["was made for a short while, and is no tool's", { createdAt: at(-1), expiresAt: at(0.2) }, { isForTools: false }],
  ] as const) {
    it(`is left alone when it ${name}`, async () => {
      const { openWindow, states } = await createWorld(facts, { mode: "always", ...options });
      const { follow, shown } = await openWindow();
      await follow();
      assert.deepEqual([shown, states().length], [[], 1]);
    });
  }

  it("is replaced by the window in front only, and once when two begin in the same moment", async () => {
    const { openWindow, states, remote } = await createWorld({}, { mode: "always" });
    const [one, two, behind] = [await openWindow(), await openWindow(), await openWindow()];
    behind.window.isInFront = false;
    await behind.follow();
    const before = states();
    await Promise.all([one.follow(), two.follow()]);
    await Promise.all([one.follow(), two.follow()]);
    const rotations = [...remote.made.values()].length;
    const told = [...one.shown, ...two.shown].filter((text) => text.includes("is rotated"));
    assert.deepEqual([before, states(), rotations, told.length], [["active"], ["retiring", "active"], 1, 1]);
  });

  it("is not begun anew while an earlier start is still at it", async () => {
    const { openWindow, remote, states } = await createWorld({}, { mode: "always" });
    const first = await openWindow();
    remote.faults.push(["POST /v1/keys/key-1/rotate", "lost-answer"]);
    first.editor.dialogs.onProgress = (cancel) => (first.editor.clock.beforeSleep = cancel);
    await first.follow();
    const second = await openWindow();
    await second.follow();
    await second.editor.settle();
    assert.deepEqual([remote.made.size, states()], [1, ["retiring", "active"]]);
  });

  it("waits for the person to sign in where that is needed, and says so once", async () => {
    const { openWindow, remote, states } = await createWorld({}, { mode: "always" });
    remote.faults.push(["POST /v1/keys/key-1/rotate", { code: "reauth_required" }]);
    const quiet = await openWindow();
    await quiet.follow();
    const before = [quiet.editor.asked, states(), quiet.shown.at(-1)];
    quiet.editor.clock.time += 2 * 60 * 60_000;
    remote.faults.push(["POST /v1/keys/key-1/rotate", { code: "reauth_required" }]);
    await quiet.follow();
    assert.deepEqual(
      [before, quiet.shown.filter((text) => text.includes("Sign in to have it")).length, quiet.editor.asked],
      [[[], ["active"], "info: The key “laptop” expires on 29 Nov. Sign in to have it replaced. [Sign In]"], 1, []],
    );
  });

  it("is replaced when the person signs in for it", async () => {
    const { openWindow, remote, states } = await createWorld({}, { mode: "always" });
    const path = "POST /v1/keys/key-1/rotate";
    remote.faults.push([path, { code: "reauth_required" }], [path, { code: "reauth_required" }]);
    const { follow, editor } = await openWindow(["Sign in to have it", "Sign In"]);
    await follow();
    assert.deepEqual([editor.asked, states()], [["fresh"], ["retiring", "active"]]);
  });
});

describe("a new machine", () => {
  it("makes a key of its own, and neither takes nor ends the one of the other", async () => {
    const { openWindow, remote, states } = await createWorld({ id: "key-old" }, { mode: "never" });
    const old = await openWindow();
    const fresh = await createEditor({ remote, answers: [["A name for the key", ""]] });
    await fresh.ring.refresh();
    const { createKey } = await import("../../../extension/ui/create-key.ts");
    await createKey({ ...fresh.createKeyDeps, machineName: "desk" });
    await settled();
    assert.deepEqual(
      [
        states(),
        [...remote.keys.values()].map(({ name }) => name),
        (await old.editor.toolsKey.readSecret()) === [...remote.keys.values()][0]?.secret,
        (await fresh.toolsKey.readSecret()) === [...remote.keys.values()][1]?.secret,
        fresh.dialogs.shown.some((text) => text.includes("Which one should they use")),
      ],
      [["active", "active"], ["laptop", "desk"], true, true, false],
    );
  });
});
