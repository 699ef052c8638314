import assert from "node:assert/strict";

import { createEmitter } from "../../../extension/base/emitter.ts";
import type { KeyRingState, ReadyKeys } from "../../../extension/keys/key-ring.ts";
import { createAdmin, type AdminSide } from "../../../extension/ui/admin.ts";
import { waitingRaisesOf, waitingRunOf } from "../../../extension/admin/waiting.ts";
import { createWaitingNotice } from "../../../extension/ui/waiting-notice.ts";
import { settled } from "../support/editor.ts";
import { createFakeFunction } from "../support/fake-function.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";
import { createScriptedDialogs } from "../support/scripted-dialogs.ts";

const waitingRun = { id: "run-1", people: 4 };
const noop = async (): Promise<void> => {};
const noCommands: AdminSide["commands"] = {
  "openrouterKeys.admin.approveRun": noop,
  "openrouterKeys.admin.approveRaise": noop,
  "openrouterKeys.admin.approveRaiseWithNote": noop,
  "openrouterKeys.admin.refuseRaise": noop,
  "openrouterKeys.admin.decideConflict": noop,
  "openrouterKeys.admin.searchKeys": noop,
  "openrouterKeys.admin.filterKeys": noop,
  "openrouterKeys.admin.disableKey": noop,
  "openrouterKeys.admin.enableKey": noop,
  "openrouterKeys.admin.deleteKey": noop,
  "openrouterKeys.admin.exportKeys": noop,
  "openrouterKeys.admin.showMore": noop,
  "openrouterKeys.admin.refresh": noop,
};
const keysOf = (isAdmin: boolean): ReadyKeys => ({
  kind: "ready",
  keys: [],
  me: { ...createFakeFunction().me, isAdmin, ...(isAdmin ? { waitingRun } : {}) },
  asOf: "2026-11-24T10:00:00.000Z",
  complete: true,
  toolsKeyId: undefined,
  storedIds: new Set(),
});

function createHarness(options: { readonly breaks?: number } = {}) {
  const changes = createEmitter<KeyRingState>();
  let current: KeyRingState = { kind: "loading" };
  let breaks = options.breaks ?? 0;
  const seen: string[] = [];
  const log = createRecordingLog();
  const side: AdminSide = {
    follow: (me) => void seen.push(me === undefined ? "nobody" : `follows ${me.waitingRun?.id}`),
    commands: noCommands,
    dispose: () => void seen.push("disposed"),
  };
  const admin = createAdmin({
    ring: {
      get current() {
        return current;
      },
      onDidChange: changes.event,
    },
    load: async () => {
      seen.push("loads");
      breaks -= 1;
      if (breaks >= 0) throw new Error("no such file");
      return side;
    },
    setIsAdmin: (isAdmin) => void seen.push(isAdmin ? "shown" : "hidden"),
    log,
  });
  const become = async (state: KeyRingState): Promise<readonly string[]> => {
    const before = seen.length;
    current = state;
    changes.fire(state);
    await settled();
    return seen.slice(before);
  };
  return { admin, become, seen, log };
}

describe("the administrators' side", () => {
  it("is neither loaded nor shown for anybody else", async () => {
    const { admin, become } = createHarness();
    const seen = [
      ...(await become({ kind: "signed-out", expired: false })),
      ...(await become(keysOf(false))),
      ...(await become({ kind: "failed", message: "Away.", previous: undefined })),
    ];
    await assert.rejects(admin.run("openrouterKeys.admin.refresh", undefined), /Only administrators can do this/);
    assert.deepEqual(seen, ["hidden", "hidden", "hidden"]);
  });

  it("is loaded once, stays while the function is away, and goes with the sign-out", async () => {
    const { admin, become } = createHarness();
    const first = await become(keysOf(true));
    await admin.run("openrouterKeys.admin.refresh", undefined);
    assert.deepEqual(
      [
        first,
        await become({ kind: "failed", message: "Away.", previous: keysOf(true) }),
        await become({ kind: "signed-out", expired: false }),
        await become(keysOf(true)),
      ],
      [
        ["loads", "follows run-1", "shown"],
        ["follows run-1", "shown"],
        ["hidden", "nobody", "hidden"],
        ["follows run-1", "shown"],
      ],
    );
  });

  it("is not shown to whoever came while it was loading", async () => {
    const { become } = createHarness();
    const [, seen] = await Promise.all([become(keysOf(true)), become(keysOf(false))]);
    assert.deepEqual([seen.includes("shown"), seen.includes("follows run-1")], [false, false]);
  });

  it("is tried again when it could not be loaded", async () => {
    const { become, log } = createHarness({ breaks: 1 });
    assert.deepEqual(
      [await become(keysOf(true)), log.lines.length, await become(keysOf(true))],
      [["loads"], 1, ["loads", "follows run-1", "shown"]],
    );
  });

  it("goes with the window, also while it is loading", async () => {
    const { admin, become, seen } = createHarness();
    const loading = become(keysOf(true));
    admin.dispose();
    await loading;
    assert.deepEqual([seen.includes("shown"), seen.includes("disposed")], [false, true]);
  });
});

describe("the message about a run that waits", () => {
  function createNotice(options: { isShown?: boolean; isInFront?: boolean; answer?: string; told?: string } = {}) {
    const dialogs = createScriptedDialogs(["have left", options.answer]);
    const clock = createManualClock();
    const seen: string[] = [];
    const window = { isInFront: options.isInFront ?? true };
    let told = options.told;
    const make = () =>
      createWaitingNotice({
        dialogs,
        severity: "warn",
        clock,
        told: {
          read: () => told,
          write: async (id) => {
            told = id;
            seen.push(`told ${id} after ${dialogs.shown.length}`);
          },
        },
        isInFront: () => window.isInFront,
        isShown: async () => options.isShown ?? false,
        review: async (id) => void seen.push(`review ${id}`),
      });
    return { make, notice: make(), dialogs, seen, window };
  }
  const run = waitingRunOf({ waitingRun });
  const message =
    "warn: 4 people seem to have left, more than a day may bring. Nobody's access has ended: an administrator has to approve the list. [Review] [Later]";

  it("comes once for each run, over windows and starts, and is kept in mind before it is seen", async () => {
    const { make, notice, dialogs, seen } = createNotice();
    await Promise.all([notice(run), notice(run)]);
    await make()(run);
    await notice(undefined);
    await notice(waitingRunOf({ waitingRun: { id: "run-2", people: 4 } }));
    assert.deepEqual(
      [dialogs.shown, seen],
      [
        [message, message],
        ["told run-1 after 0", "told run-2 after 1"],
      ],
    );
  });

  it("leads to the run", async () => {
    const { notice, seen } = createNotice({ answer: "Review" });
    await notice(run);
    assert.deepEqual(seen, ["told run-1 after 0", "review run-1"]);
  });

  it("leaves it at that with Later", async () => {
    const { notice, seen } = createNotice({ answer: "Later" });
    await notice(run);
    assert.deepEqual(seen, ["told run-1 after 0"]);
  });

  it("does not come while the run is in sight, nor later", async () => {
    const { make, notice, dialogs } = createNotice({ isShown: true });
    await notice(run);
    await make()(run);
    assert.deepEqual(dialogs.shown, []);
  });

  it("waits for the window to come to the front", async () => {
    const { notice, dialogs, window } = createNotice({ isInFront: false });
    await notice(run);
    const before = dialogs.shown.length;
    window.isInFront = true;
    await notice(run);
    assert.deepEqual([before, dialogs.shown], [0, [message]]);
  });

  it("tells of requests when one comes that is newer, not when one of them was decided", async () => {
    const { notice, dialogs } = createNotice();
    const raises = (newestAt: string, count: number) => waitingRaisesOf({ waitingRaises: { newestAt, count } });
    await notice(raises("2026-11-24T10:00:00.000Z", 1));
    await notice(raises("2026-11-24T11:00:00.000Z", 2));
    await notice(raises("2026-11-24T10:00:00.000Z", 1));
    await notice(raises("2026-11-24T11:00:00.000Z", 1));
    assert.deepEqual(dialogs.shown, [
      "warn: 1 request for more waits for an administrator. [Review] [Later]",
      "warn: 2 requests for more wait for an administrator. [Review] [Later]",
    ]);
  });
});
