import assert from "node:assert/strict";

import { createSessionStore } from "../../../extension/account/session.ts";
import { signOut } from "../../../extension/account/sign-out.ts";
import { createFunctionClient } from "../../../extension/account/function-client.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { account, base, createFakeFunction, token } from "../support/fake-function.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const here = { base, origin: base };
const elsewhere = { base: "https://other.test", origin: "https://other.test" };
const answer = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false };

function createHarness(storage = new MemorySecretStorage()) {
  const clock = createManualClock();
  const log = createRecordingLog();
  const sessions = createSessionStore({ store: storage, now: clock.now, log });
  return { storage, clock, log, sessions };
}

describe("a session", () => {
  it("is kept under its function's address, and there is none at another", async () => {
    const { storage, sessions } = createHarness();
    await sessions.signedIn(here, answer);
    const session = await sessions.read(here);
    assert.ok(session.kind === "signed-in");
    assert.deepEqual(
      [
        session.token,
        session.account,
        session.id.includes(token),
        [...storage.values.keys()],
        await sessions.read(elsewhere),
      ],
      [token, account, false, [`session ${base}`], { kind: "signed-out" }],
    );
  });

  it("is announced to every window", async () => {
    const first = createHarness();
    const second = createHarness(first.storage);
    let heard = 0;
    second.sessions.onDidChange(() => (heard += 1));
    await first.sessions.signedIn(here, answer);
    await first.sessions.expire(here, token);
    await first.storage.store("tools-key https://keys.test", "{}");
    await first.sessions.forget(here);
    assert.deepEqual([heard, await second.sessions.read(here)], [3, { kind: "signed-out" }]);
  });

  it("that was replaced is not ended by a late refusal of the old one", async () => {
    const { sessions } = createHarness();
    await sessions.signedIn(here, answer);
    const other = `ors_${"u".repeat(43)}`;
    await sessions.signedIn(here, { ...answer, sessionToken: other });
    await sessions.expire(here, token);
    const session = await sessions.read(here);
    assert.equal(session.kind === "signed-in" && session.token, other);
  });

  it("is over at its time", async () => {
    const { clock, sessions } = createHarness();
    await sessions.signedIn(here, answer);
    clock.time = Date.parse(answer.expiresAt);
    const session = await sessions.read(here);
    assert.deepEqual([session.kind, session.kind === "expired" && session.account], ["expired", account]);
  });

  for (const corrupt of [
    "",
    "{",
    "{}",
    '{"id":"1","token":"sk-or-1","account":{"id":"1","label":"x"},"expiresAt":"2026-12-01T10:00:00Z"}',
  ]) {
    it(`that reads ${corrupt === "" ? "as nothing" : corrupt.slice(0, 20)} counts as none`, async () => {
      const { storage, sessions } = createHarness();
      await storage.store(`session ${base}`, corrupt);
      assert.deepEqual(await sessions.read(here), { kind: "signed-out" });
    });
  }
});

describe("signing out", () => {
  for (const reach of ["answers", "is away"] as const) {
    it(`forgets the session, and tells the function, when it ${reach}`, async () => {
      const remote = createFakeFunction();
      const { storage, sessions, log } = createHarness();
      const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
      await sessions.signedIn(here, answer);
      if (reach === "is away") remote.faults.push(["DELETE /v1/session", "lost-request"]);
      let keptWhenSending: number | undefined;
      remote.aroundSend = (_route, send) => {
        keptWhenSending = storage.values.size;
        return send();
      };
      await signOut({ sessions, client, log }, here);
      await signOut({ sessions, client, log }, here);
      assert.deepEqual(
        {
          asked: remote.requests.length,
          keptWhenSending,
          left: storage.values.size,
          ended: !remote.sessions.has(token),
        },
        { asked: 1, keptWhenSending: 0, left: 0, ended: reach === "answers" },
      );
    });
  }
});
