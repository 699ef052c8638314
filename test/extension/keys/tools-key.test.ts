import assert from "node:assert/strict";

import { createSessionStore } from "../../../extension/account/session.ts";
import { createSecretVault } from "../../../extension/keys/secret-vault.ts";
import { createToolsKeyChoice } from "../../../extension/keys/tools-key.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { account, base, token } from "../support/fake-function.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const address = { base, origin: base };
const elsewhere = { base: "https://other.test", origin: "https://other.test" };
const secret = "sk-or-v1-1234";
const answer = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false };

async function createHarness() {
  const storage = new MemorySecretStorage();
  const clock = createManualClock();
  const sessions = createSessionStore({ store: storage, now: clock.now, log: createRecordingLog() });
  const vault = createSecretVault(storage);
  let current = address;
  const toolsKey = createToolsKeyChoice({ address: () => ({ kind: "address", address: current }), vault, sessions });
  await sessions.signedIn(address, answer);
  await vault.secrets.put(address, "key-1", secret);
  await toolsKey.use({ address, token, account }, "key-1");
  return { storage, clock, sessions, vault, toolsKey, moveTo: (other: typeof address) => (current = other) };
}

describe("the key that tools get", () => {
  for (const [situation, expected, change] of [
    ["while its owner is signed in", secret, async () => {}],
    ["while the session has expired by time", secret, async ({ clock }) => void (clock.time += 8 * 24 * 3600_000)],
    ["while the function has ended the session", secret, ({ sessions }) => sessions.expire(address, token)],
    ["after signing out", undefined, ({ sessions }) => sessions.forget(address)],
    [
      "after somebody else has signed in",
      undefined,
      async ({ sessions }) =>
        void (await sessions.signedIn(address, { ...answer, account: { id: "owner-2", label: "grace@example.test" } })),
    ],
    ["after the tools are set back", undefined, ({ toolsKey }) => toolsKey.forget(address)],
    ["after the key is deleted", undefined, ({ vault }) => vault.secrets.forget(address, "key-1")],
    ["while another function's address is set", undefined, async ({ moveTo }) => void moveTo(elsewhere)],
  ] satisfies [string, string | undefined, (harness: Awaited<ReturnType<typeof createHarness>>) => Promise<void>][]) {
    it(`is ${expected === undefined ? "not served" : "served"} ${situation}`, async () => {
      const harness = await createHarness();
      await change(harness);
      assert.equal(await harness.toolsKey.readSecret(), expected);
    });
  }

  it("is served again after signing out and in as the same person", async () => {
    const { sessions, toolsKey } = await createHarness();
    await sessions.forget(address);
    await sessions.signedIn(address, answer);
    assert.equal(await toolsKey.readSecret(), secret);
  });
});
