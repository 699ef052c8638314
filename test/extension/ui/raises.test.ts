import assert from "node:assert/strict";

import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import type { RaiseList } from "../../../extension/keys/raise-list.ts";
import { raiseRows } from "../../../extension/keys/raise-row.ts";
import { createRaises } from "../../../extension/ui/raises.ts";
import type { Raise } from "../../../functions/contract/raises.ts";
import { createEditor, settled } from "../support/editor.ts";
import { builtKey, createFakeFunction } from "../support/fake-function.ts";

const keyId = "7f0c4b4e-1111-4222-8333-944455566677";
const amount = "How much should it have";
const time = "For how long does it need";
const reason = "Why does";
const asks = [
  [amount, "$50"],
  [time, "7 days"],
  [reason, "A long experiment"],
] as const;

type Answers = readonly (readonly [text: string, answer: unknown])[];

/** A window of a person with one key; `memory` and `remote` are shared by windows and outlive them. */
async function createWindow(
  answers: Answers = [],
  { remote = createFakeFunction(), memory = new Map<string, string>(), allowanceUsd = 75 } = {},
) {
  remote.me = { ...remote.me, allowanceUsd };
  if (remote.keys.size === 0) remote.keys.set(keyId, builtKey({ id: keyId }));
  const editor = await createEditor({ remote, answers: [...answers] });
  const window = { isInFront: true };
  let list: RaiseList | undefined;
  const raises = createRaises({
    ...editor,
    memory: { get: (key) => memory.get(key), update: async (key, value) => void memory.set(key, value) },
    isInFront: () => window.isInFront,
    showList: (shown) => {
      list = shown;
      return { dispose: () => {} };
    },
  });
  editor.ring.onDidChange((state) => void raises.follow(state));
  const refresh = async (): Promise<void> => {
    await editor.ring.refresh();
    await settled();
  };
  await refresh();
  const request = async (): Promise<string> => {
    const end = await raises.request({ keyId }).then(
      () => "done",
      (error: unknown) =>
        error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
    );
    await settled();
    return end;
  };
  const rows = () =>
    raiseRows(list?.current ?? [], editor.clock.now()).map(({ label, description }) => `${label}: ${description}`);
  const { shown } = editor.dialogs;
  return { remote, memory, editor, window, raises, refresh, request, rows, shown };
}

function decide(remote: { readonly raises: Raise[] }, state: Raise["state"], note?: string): void {
  const [raise] = remote.raises;
  assert.ok(raise !== undefined);
  remote.raises[0] = {
    ...raise,
    state,
    decidedAt: "2026-11-24T12:00:00.000Z",
    ...(note === undefined ? {} : { note }),
  };
}

describe("asking for a raise", () => {
  it("takes three answers, which say what the plan leaves and until when, and shows what waits", async () => {
    const { raises, request, rows, shown, remote } = await createWindow(asks);
    const end = await request();
    assert.deepEqual(
      [end, shown, remote.raises.map(({ limitUsd, until, reason }) => [limitUsd, until, reason]), rows()],
      [
        "done",
        [
          "pick: “laptop” has $25 a month. How much should it have for a while? ($30) ($40) ($50) ($75) ($100) (Another Amount…)",
          "pick: For how long does it need $50? (1 day) (3 days) (7 days) (14 days) (30 days) (60 days) (As Long as the Key Works) (Another Number of Days…)",
          "input: Why does “laptop” need $50 a month until 1 Dec? An administrator reads it and decides. Then it has $25 again. ()",
          "info: You have asked for $50 a month until 1 Dec on “laptop”. You are told when it is decided.",
        ],
        [[50, "2026-12-01T10:00:00.000Z", "A long experiment"]],
        ["laptop: $50 until 1 Dec · waits for an administrator"],
      ],
    );
    raises.dispose();
  });

  for (const [text, fault] of [
    ["much", "Write an amount in dollars, for example 40 or 12.50."],
    ["25", "It has to be more than $25."],
    ["100.01", "At most $100: that is all your plan leaves for it."],
    [" $99.99 ", undefined],
  ] as const) {
    it(`says while typing what is wrong with an amount of ${text}`, async () => {
      const { raises, editor, request } = await createWindow([[amount, "Another Amount…"]]);
      let found: string | undefined = "never asked";
      editor.dialogs.input = async (question) => {
        found = question.fault(text);
        return undefined;
      };
      assert.deepEqual([await request(), found], ["cancelled", fault]);
      raises.dispose();
    });
  }

  it("never reaches past the key's end, also with a number of one's own", async () => {
    const { raises, editor, request, remote } = await createWindow([
      [amount, "$100"],
      [time, "Another Number of Days…"],
      ["expires on 22 Feb", "90"],
      [reason, "All of it"],
    ]);
    editor.clock.time += 1;
    const tooLong = await request();
    editor.dialogs.answers.push([amount, "$100"], [time, "As Long as the Key Works"], [reason, "All of it"]);
    assert.deepEqual(
      [tooLong, await request(), remote.raises.map(({ until }) => until)],
      ["cancelled", "done", ["2027-02-22T10:00:00.000Z"]],
    );
    raises.dispose();
  });

  it("is refused before anything is asked when the plan has nothing left, or another one is open", async () => {
    const spent = await createWindow(asks, { allowanceUsd: 0 });
    const open = await createWindow(asks);
    await open.request();
    assert.deepEqual(
      [await spent.request(), spent.shown, await open.request()],
      [
        "All $100 a month of your plan are given to keys, so “laptop” cannot have more. Delete a key that you do not use, or ask for a larger plan.",
        [],
        "More has been asked for on “laptop” already, or is in force. Wait for that one.",
      ],
    );
    spent.raises.dispose();
    open.raises.dispose();
  });

  for (const [fault, end] of [
    ["lost-answer", "done"],
    [
      "lost-request",
      "Could not reach https://keys.test. Check your connection, and openrouterKeys.functionUrl in the settings.",
    ],
  ] as const) {
    it(`tells the truth after a ${fault}`, async () => {
      const { raises, request, remote } = await createWindow(asks);
      remote.faults.push(["POST /v1/raises", fault]);
      assert.deepEqual([await request(), remote.raises.length], [end, end === "done" ? 1 : 0]);
      raises.dispose();
    });
  }
});

describe("how a raise was decided", () => {
  async function createAsked() {
    const window = await createWindow(asks);
    await window.request();
    window.shown.length = 0;
    return window;
  }

  for (const [state, note, said, row] of [
    [
      "approved",
      "Good luck",
      "info: Approved: “laptop” may spend $50 until 1 Dec. The administrator writes: “Good luck”",
      ["laptop: $50 until 1 Dec · approved"],
    ],
    ["refused", undefined, "warn: Refused: your request for $50 on “laptop”.", ["laptop: $50 until 1 Dec · refused"]],
    ["ended", undefined, "info: “laptop” had $50 until 1 Dec: approved, and over again.", []],
  ] as const) {
    it(`is told once when it is ${state}, while the window is open and at the next start`, async () => {
      const { remote, memory, raises, refresh, rows, shown } = await createAsked();
      decide(remote, state, note);
      await refresh();
      await refresh();
      const later = await createWindow([], { remote, memory });
      assert.deepEqual([shown, rows(), later.shown], [[said], row, []]);
      raises.dispose();
      later.raises.dispose();
    });
  }

  it("is told by the window in front, and by the next start when no window was open", async () => {
    const { remote, memory, raises, refresh, window, shown } = await createAsked();
    window.isInFront = false;
    decide(remote, "approved");
    await refresh();
    raises.dispose();
    const later = await createWindow([], { remote, memory });
    assert.deepEqual([shown, later.shown], [[], ["info: Approved: “laptop” may spend $50 until 1 Dec."]]);
    later.raises.dispose();
  });

  it("is not told of raises from before this machine, nor of one that went with its key", async () => {
    const { remote, raises, refresh, shown } = await createAsked();
    const [raise] = remote.raises;
    assert.ok(raise !== undefined);
    remote.raises[0] = { ...raise, state: "ended" };
    await refresh();
    const elsewhere = await createFakeFunctionWith({
      ...raise,
      state: "refused",
      decidedAt: "2026-11-01T10:00:00.000Z",
    });
    const fresh = await createWindow([], { remote: elsewhere });
    assert.deepEqual([shown, fresh.shown, fresh.rows()], [[], [], []]);
    raises.dispose();
    fresh.raises.dispose();
  });

  it("is told once by a window of an editor that keeps nothing in mind", async () => {
    const { remote, memory, raises, refresh, shown } = await createAsked();
    memory.set = () => {
      throw new Error("disk full");
    };
    decide(remote, "approved");
    await refresh();
    await refresh();
    assert.equal(shown.length, 1);
    raises.dispose();
  });

  it("costs one question at the start and none afterwards for who has asked for nothing", async () => {
    const { remote, raises, refresh } = await createWindow();
    await refresh();
    await refresh();
    const asked = remote.requests.filter(({ url }) => url.endsWith("/v1/raises"));
    assert.equal(asked.length, 1);
    raises.dispose();
  });

  it("is gone from sight with the sign-out, and back with a function that was away", async () => {
    const { remote, raises, refresh, rows, editor } = await createAsked();
    remote.faults.push(["GET /v1/raises", { code: "database_unavailable" }]);
    await refresh();
    const kept = rows();
    await editor.sessions.forget({ base: "https://keys.test", origin: "https://keys.test" });
    await refresh();
    assert.deepEqual([kept.length, rows()], [1, []]);
    raises.dispose();
  });

  async function createFakeFunctionWith(raise: Raise) {
    const remote = createFakeFunction();
    remote.raises.push(raise);
    return remote;
  }
});
