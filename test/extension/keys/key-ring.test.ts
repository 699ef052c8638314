import assert from "node:assert/strict";

import type { Access } from "../../../extension/account/access-token.ts";
import type { AddressReading } from "../../../extension/account/function-address.ts";
import { createFunctionClient } from "../../../extension/account/function-client.ts";
import { createSessionStore } from "../../../extension/account/session.ts";
import { createKeyRing, type KeyRingState } from "../../../extension/keys/key-ring.ts";
import { createKeyService } from "../../../extension/keys/key-service.ts";
import { createSecretVault } from "../../../extension/keys/secret-vault.ts";
import { createToolsKeyChoice } from "../../../extension/keys/tools-key.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { account, base, builtKey, createFakeFunction, token } from "../support/fake-function.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const here = { base, origin: base };

async function createHarness(reading: AddressReading = { kind: "address", address: here }) {
  const remote = createFakeFunction();
  const storage = new MemorySecretStorage();
  const clock = createManualClock();
  const log = createRecordingLog();
  const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
  const sessions = createSessionStore({ store: storage, now: clock.now, log });
  const service = createKeyService({ client, sessions });
  const vault = createSecretVault(storage);
  const address = (): AddressReading => reading;
  const toolsKey = createToolsKeyChoice({ address, vault, sessions });
  const existing = async (): Promise<Access | undefined> => {
    const session = await sessions.read(here);
    return session.kind === "signed-in" ? { address: here, token: session.token, account: session.account } : undefined;
  };
  const ring = createKeyRing({ address, accessToken: { existing }, sessions, service, vault, toolsKey, clock, log });
  const kinds: string[] = [];
  ring.onDidChange(({ kind }) => kinds.push(kind));
  const signIn = (who = account, sessionToken = token) =>
    sessions.signedIn(here, { sessionToken, expiresAt: "2026-12-01T10:00:00.000Z", account: who, isAdmin: false });
  const requestsFor = (path: string): number => remote.requests.filter(({ url }) => url.endsWith(path)).length;
  return { remote, clock, sessions, vault, toolsKey, ring, kinds, signIn, requestsFor, existing };
}

function namesIn(state: KeyRingState): readonly string[] {
  return state.kind === "ready" ? state.keys.map(({ name }) => name) : [];
}

describe("the key ring", () => {
  it("says that there is no address, and what is wrong with a bad one", async () => {
    const none = await createHarness({ kind: "none" });
    const bad = await createHarness({ kind: "fault", message: "Use https." });
    await Promise.all([none.ring.refresh(), bad.ring.refresh()]);
    assert.deepEqual(
      [none.ring.current, bad.ring.current, none.remote.requests.length],
      [{ kind: "no-address", fault: undefined }, { kind: "no-address", fault: "Use https." }, 0],
    );
  });

  it("asks nothing of the function while nobody is signed in", async () => {
    const { ring, remote } = await createHarness();
    await ring.refresh();
    assert.deepEqual([ring.current, remote.requests], [{ kind: "signed-out", expired: false }, []]);
  });

  it("knows each key, which of them the tools use, and whose secret is stored", async () => {
    const { ring, remote, vault, toolsKey, signIn, existing, kinds } = await createHarness();
    const [laptop, server] = [builtKey({ id: "key-1" }), builtKey({ id: "key-2", name: "server" })];
    for (const key of [laptop, server]) remote.keys.set(key.id, key);
    await signIn();
    const access = await existing();
    assert.ok(access !== undefined);
    await vault.secrets.put(here, "key-1", laptop.secret);
    await toolsKey.use(access, "key-1");
    await ring.refresh();
    const state = ring.current;
    assert.ok(state.kind === "ready");
    assert.deepEqual(
      { kinds, names: namesIn(state), toolsKeyId: state.toolsKeyId, storedIds: [...state.storedIds], asOf: state.asOf },
      {
        kinds: ["loading", "ready"],
        names: ["laptop", "server"],
        toolsKeyId: "key-1",
        storedIds: ["key-1"],
        asOf: "2026-11-24T10:00:00.000Z",
      },
    );
    assert.ok(!JSON.stringify(state).includes(laptop.secret), "the state holds a secret");
  });

  it("makes one more round of all the refreshes that are asked for during one", async () => {
    const { ring, signIn, requestsFor } = await createHarness();
    await signIn();
    await Promise.all([ring.refresh(), ring.refresh(), ring.refresh(), ring.refresh()]);
    assert.deepEqual([requestsFor("/v1/keys"), ring.current.kind], [2, "ready"]);
  });

  it("drops what arrives for a person who has been replaced meanwhile", async () => {
    const harness = await createHarness();
    const { ring, remote, signIn, kinds } = harness;
    remote.keys.set("key-1", builtKey({ id: "key-1", name: "of the first person" }));
    await signIn();
    const otherToken = `ors_${"u".repeat(43)}`;
    remote.sessions.add(otherToken);
    let isFirst = true;
    remote.aroundSend = async (route, send) => {
      const answer = await send();
      if (route === "GET /v1/keys" && isFirst) {
        isFirst = false;
        remote.keys.clear();
        remote.keys.set("key-2", builtKey({ id: "key-2", name: "of the second person" }));
        await signIn({ id: "owner-2", label: "grace@example.test" }, otherToken);
      }
      return answer;
    };
    await ring.refresh();
    assert.deepEqual(
      { names: namesIn(ring.current), kinds },
      { names: ["of the second person"], kinds: ["loading", "loading", "ready"] },
    );
  });

  it("keeps showing the last keys when the function is away, and the session", async () => {
    const { ring, remote, signIn, sessions } = await createHarness();
    remote.keys.set("key-1", builtKey({ id: "key-1" }));
    await signIn();
    await ring.refresh();
    const before = ring.current;
    remote.faults.push(["GET /v1/keys", { code: "database_unavailable", detail: "The database is away." }]);
    await ring.refresh();
    assert.deepEqual(
      [ring.current, (await sessions.read(here)).kind],
      [{ kind: "failed", message: "The database is away.", previous: before }, "signed-in"],
    );
  });

  it("drops the session that the function refuses, and remembers whose it was", async () => {
    const { ring, remote, signIn, sessions } = await createHarness();
    await signIn();
    remote.sessions.clear();
    await ring.refresh();
    assert.deepEqual(
      [ring.current, (await sessions.read(here)).kind],
      [{ kind: "signed-out", expired: true }, "expired"],
    );
  });

  it("forgets everything of a person who has been offboarded", async () => {
    const { ring, remote, signIn, sessions } = await createHarness();
    await signIn();
    remote.faults.push(["GET /v1/me", { code: "offboarded" }]);
    await ring.refresh();
    assert.deepEqual(
      [ring.current, await sessions.read(here)],
      [{ kind: "signed-out", expired: false }, { kind: "signed-out" }],
    );
  });

  it("polls rarely after failures, ever more so, and at once when a person asks", async () => {
    const { ring, remote, clock, signIn, requestsFor } = await createHarness();
    await signIn();
    for (let count = 0; count < 20; count += 1) remote.faults.push(["GET /v1/keys", "lost-request"]);
    await ring.refresh();
    const asked: number[] = [];
    const start = clock.time;
    for (let minute = 1; minute <= 16; minute += 1) {
      clock.time = start + minute * 60_000;
      const before = requestsFor("/v1/keys");
      await ring.poll();
      if (requestsFor("/v1/keys") > before) asked.push(minute);
    }
    const before = requestsFor("/v1/keys");
    await ring.refresh();
    assert.deepEqual({ asked, byHand: requestsFor("/v1/keys") - before }, { asked: [1, 3, 7, 15], byHand: 1 });
  });

  it("does not poll again what is hardly old", async () => {
    const { ring, clock, signIn, requestsFor } = await createHarness();
    await signIn();
    await ring.refresh();
    await ring.poll();
    const soon = requestsFor("/v1/keys");
    clock.time += 60_000;
    await ring.poll();
    assert.deepEqual([soon, requestsFor("/v1/keys")], [1, 2]);
  });
});
