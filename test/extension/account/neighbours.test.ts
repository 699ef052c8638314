import assert from "node:assert/strict";

import { type Mark, shareSessions } from "../../../extension/account/neighbours.ts";
import { createSessionStore } from "../../../extension/account/session.ts";
import { createEmitter } from "../../../extension/base/emitter.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { account, base, token } from "../support/fake-function.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const here = { base, origin: base };
const answer = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false };

/** Windows on one machine. In a browser each has read the storage for itself, and sees no other's changes. */
function createWindows(storages: readonly MemorySecretStorage[]) {
  const log = createRecordingLog();
  const said: Mark[] = [];
  const ears = storages.map(() => createEmitter<Mark>());
  const windows = storages.map((storage, own) => {
    const store = createSessionStore({ store: storage, now: createManualClock().now, log });
    const sessions = shareSessions(store, {
      tell: async (mark) => {
        said.push(mark);
        for (const [index, ear] of ears.entries()) if (index !== own) ear.fire(mark);
      },
      onMark: (listener) => ears[own]?.event(listener) ?? { dispose: () => {} },
    });
    let elsewhere = 0;
    sessions.onSignedInElsewhere(() => (elsewhere += 1));
    return { sessions, storage, elsewhere: () => elsewhere };
  });
  const kinds = async (): Promise<readonly string[]> =>
    Promise.all(windows.map(async ({ sessions }) => (await sessions.read(here)).kind));
  return { windows, kinds, said };
}

const turn = (): Promise<void> => new Promise(setImmediate);

describe("two windows", () => {
  it("that share their storage are signed in and out together", async () => {
    const storage = new MemorySecretStorage();
    const { windows, kinds } = createWindows([storage, storage]);
    await windows[0]?.sessions.signedIn(here, answer);
    await turn();
    const signedIn = await kinds();
    await windows[1]?.sessions.forget(here);
    await turn();
    assert.deepEqual(
      [signedIn, await kinds(), windows.map(({ elsewhere }) => elsewhere())],
      [
        ["signed-in", "signed-in"],
        ["signed-out", "signed-out"],
        [0, 0],
      ],
    );
  });

  it("in a browser end together, without the second writing over what the first has stored", async () => {
    const first = new MemorySecretStorage();
    const second = new MemorySecretStorage();
    const { windows, kinds } = createWindows([first, second]);
    await windows[0]?.sessions.signedIn(here, answer);
    for (const [name, value] of first.values) second.values.set(name, value);
    let heard = 0;
    windows[1]?.sessions.onDidChange(() => (heard += 1));
    let written = 0;
    second.onDidChange(() => (written += 1));
    await windows[0]?.sessions.forget(here);
    await turn();
    assert.deepEqual([await kinds(), heard, written], [["signed-out", "signed-out"], 1, 0]);
  });

  it("in a browser say that somebody signed in, where it cannot be seen", async () => {
    const { windows, kinds } = createWindows([new MemorySecretStorage(), new MemorySecretStorage()]);
    await windows[0]?.sessions.signedIn(here, answer);
    await turn();
    assert.deepEqual(
      [await kinds(), windows.map(({ elsewhere }) => elsewhere())],
      [
        ["signed-in", "signed-out"],
        [0, 1],
      ],
    );
  });

  it("in a browser end together also after one of them has signed in again", async () => {
    const first = new MemorySecretStorage();
    const second = new MemorySecretStorage();
    const { windows, kinds } = createWindows([first, second]);
    await windows[0]?.sessions.signedIn(here, answer);
    for (const [name, value] of first.values) second.values.set(name, value);
    await windows[0]?.sessions.signedIn(here, answer);
    await windows[0]?.sessions.signedIn(here, answer);
    await turn();
    const between = await kinds();
    await windows[0]?.sessions.forget(here);
    await turn();
    assert.deepEqual(
      [between, await kinds()],
      [
        ["signed-in", "signed-in"],
        ["signed-out", "signed-out"],
      ],
    );
  });

  it("leave a later sign-in alone that is not the one which ended", async () => {
    const first = new MemorySecretStorage();
    const second = new MemorySecretStorage();
    const { windows, kinds } = createWindows([first, second]);
    await windows[0]?.sessions.signedIn(here, answer);
    await windows[1]?.sessions.signedIn(here, answer);
    await windows[0]?.sessions.forget(here);
    await turn();
    assert.deepEqual(await kinds(), ["signed-out", "signed-in"]);
  });

  it("tell each other nothing that is secret", async () => {
    const { windows, said } = createWindows([new MemorySecretStorage()]);
    await windows[0]?.sessions.signedIn(here, answer);
    await windows[0]?.sessions.forget(here);
    assert.deepEqual(
      [said.map(({ event }) => event), JSON.stringify(said).includes("ors_")],
      [["signed-in", "signed-out"], false],
    );
  });
});
