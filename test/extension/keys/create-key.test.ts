import assert from "node:assert/strict";

import type { Access } from "../../../extension/account/access-token.ts";
import { createFunctionClient } from "../../../extension/account/function-client.ts";
import { createSessionStore } from "../../../extension/account/session.ts";
import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import type { SecretStore } from "../../../extension/base/secret-store.ts";
import { createKeyCreation } from "../../../extension/keys/create-key.ts";
import { createKeyService } from "../../../extension/keys/key-service.ts";
import { createSecretVault } from "../../../extension/keys/secret-vault.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import {
  account,
  base,
  builtKey,
  createFakeFunction,
  type FakeFunction,
  type Fault,
  token,
} from "../support/fake-function.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const access: Access = { address: { base, origin: base }, token, account };

/** A window of the editor on storage and a function that outlive it. */
function createHarness(remote: FakeFunction = createFakeFunction(), storage = new MemorySecretStorage()) {
  const clock = createManualClock();
  const log = createRecordingLog();
  const steps: string[] = [];
  /** A window that dies: from the chosen moment on nothing it asked for ever comes back. */
  let isDead = false;
  const crash = Promise.withResolvers<"crashed">();
  let crashAt: readonly [step: string, moment: "before" | "after"] | undefined;
  const never = new Promise<never>(() => {});
  async function step<T>(name: string, effect: () => PromiseLike<T>): Promise<T> {
    if (isDead) return never;
    steps.push(name);
    const die = (): Promise<never> => {
      isDead = true;
      crash.resolve("crashed");
      return never;
    };
    if (crashAt?.[0] === name && crashAt[1] === "before") return die();
    const result = await effect();
    if (crashAt?.[0] === name && crashAt[1] === "after") return die();
    return result;
  }
  const kindOf = (key: string): string => key.split(" ")[0] ?? "";
  const store: SecretStore = {
    keys: () => storage.keys(),
    get: (key) => step(`read ${kindOf(key)}`, () => storage.get(key)),
    store: (key, value) => step(`store ${kindOf(key)}`, () => storage.store(key, value)),
    delete: (key) => step(`delete ${kindOf(key)}`, () => storage.delete(key)),
    onDidChange: (listener) => storage.onDidChange(listener),
  };
  remote.aroundSend = (route, send) => step(route.replace(/key-[\w-]+/, "{id}"), send);

  const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
  const sessions = createSessionStore({ store, now: clock.now, log });
  const service = createKeyService({ client, sessions });
  const vault = createSecretVault(store);
  const creation = createKeyCreation({ service, vault, clock, log });
  const reports: string[] = [];
  return {
    remote,
    storage,
    clock,
    log,
    steps,
    reports,
    creation,
    create: (signal = new AbortController().signal) =>
      creation.create(access, { name: "laptop", limitUsd: 25 }, signal, (message) => reports.push(message)),
    rotate: (signal = new AbortController().signal) =>
      creation.rotate(access, { id: "key-old", name: "laptop" }, signal, (message) => reports.push(message)),
    crashIn: async (
      at: NonNullable<typeof crashAt>,
      work: "create" | "rotate" | "settle" = "create",
    ): Promise<void> => {
      crashAt = at;
      const create = () =>
        creation.create(access, { name: "laptop", limitUsd: 25 }, new AbortController().signal, () => {});
      const rotate = () =>
        creation.rotate(access, { id: "key-old", name: "laptop" }, new AbortController().signal, () => {});
      const done = { create, rotate, settle: () => creation.settle(access) }[work]();
      assert.equal(await Promise.race([done, crash.promise]), "crashed");
    },
  };
}

/** Everything that outlives a window. */
function outcomeOf({ remote, storage }: { remote: FakeFunction; storage: MemorySecretStorage }) {
  const kept = [...storage.values].map(([name, value]) => ({ name, value }));
  return {
    liveKeys: [...remote.keys.values()].map(({ name }) => name),
    secretsStored: [...remote.keys.values()].map(
      ({ id, secret }) => kept.find(({ name }) => name === `secret ${base} ${id}`)?.value === secret,
    ),
    sealedCopiesLeft: [...remote.made.values()].filter(({ received, keyId }) => !received && remote.keys.has(keyId))
      .length,
    stillPending: kept.filter(({ name }) => name.startsWith("pending")).length,
    strayEntries: kept.filter(({ name }) => !/^(?:pending|secret) /.test(name)).length,
  };
}

const oneKey = { liveKeys: ["laptop"], secretsStored: [true], sealedCopiesLeft: 0, stillPending: 0, strayEntries: 0 };
const noKey = { liveKeys: [], secretsStored: [], sealedCopiesLeft: 0, stillPending: 0, strayEntries: 0 };

const createSteps = [
  "store pending",
  "POST /v1/keys",
  "read pending",
  "store secret",
  "POST /v1/keys/{id}/received",
  "delete pending",
] as const;

describe("creating a key", () => {
  it("stores what it needs before it sends, and the secret before it says that it has it", async () => {
    const harness = createHarness();
    const delivery = await harness.create();
    assert.deepEqual(
      { kind: delivery.kind, steps: harness.steps, ...outcomeOf(harness) },
      { kind: "delivered", steps: [...createSteps], ...oneKey },
    );
  });

  for (const step of createSteps) {
    for (const moment of ["before", "after"] as const) {
      it(`ends with exactly one key when the window dies ${moment} “${step}”`, async () => {
        const first = createHarness();
        await first.crashIn([step, moment]);
        const next = createHarness(first.remote, first.storage);
        const { leftOpen } = await next.creation.settle(access);
        const nothingBegun = step === "store pending" && moment === "before";
        assert.deepEqual({ leftOpen, ...outcomeOf(next) }, { leftOpen: 0, ...(nothingBegun ? noKey : oneKey) });
      });
    }
  }

  for (const step of createSteps.slice(1)) {
    it(`ends with exactly one key when the window that settles it dies before “${step}”, too`, async () => {
      const first = createHarness();
      await first.crashIn(["POST /v1/keys", "after"]);
      const second = createHarness(first.remote, first.storage);
      await second.crashIn([step, "before"], "settle");
      const third = createHarness(first.remote, first.storage);
      const { leftOpen } = await third.creation.settle(access);
      assert.deepEqual({ leftOpen, ...outcomeOf(third) }, { leftOpen: 0, ...oneKey });
    });
  }

  for (const fault of [
    "lost-request",
    "lost-answer",
    { code: "conflict", retryAfter: 2 },
    { code: "upstream_busy", retryAfter: 3 },
    { code: "database_unavailable" },
    { code: "rate_limited", retryAfter: 5 },
    { code: "internal" },
  ] satisfies Fault[]) {
    it(`asks again with the same key after ${typeof fault === "string" ? fault : fault.code}, and says so`, async () => {
      const harness = createHarness();
      harness.remote.faults.push(["POST /v1/keys", fault], ["POST /v1/keys", fault]);
      await harness.create();
      const creates = harness.remote.requests.filter(
        ({ method, url }) => method === "POST" && url.endsWith("/v1/keys"),
      );
      const waited =
        typeof fault === "string" || !("retryAfter" in fault) ? [1000, 2000] : Array(2).fill(fault.retryAfter * 1000);
      assert.deepEqual(
        {
          attempts: creates.length,
          idempotencyKeys: new Set(creates.map(({ headers }) => headers.get("Idempotency-Key"))).size,
          bodies: new Set(creates.map(({ body }) => body)).size,
          slept: harness.clock.slept,
          reports: harness.reports.length,
          ...outcomeOf(harness),
        },
        { attempts: 3, idempotencyKeys: 1, bodies: 1, slept: waited, reports: 2, ...oneKey },
      );
    });
  }

  for (const code of [
    "above_plan",
    "key_cap",
    "invalid_request",
    "forbidden",
    "offboarded",
    "upstream_refused",
  ] as const) {
    it(`forgets the request when the function definitely refuses with ${code}`, async () => {
      const harness = createHarness();
      harness.remote.faults.push(["POST /v1/keys", { code, detail: "This is not possible." }]);
      await assert.rejects(harness.create(), { message: "This is not possible." });
      assert.deepEqual({ slept: harness.clock.slept, ...outcomeOf(harness) }, { slept: [], ...noKey });
    });
  }

  it("gives up asking after a minute, says that it goes on, and the next start brings the key", async () => {
    const harness = createHarness();
    for (let count = 0; count < 50; count += 1) harness.remote.faults.push(["POST /v1/keys", "lost-answer"]);
    const error = await harness.create().catch((caught: unknown) => caught);
    const waited = harness.clock.slept.reduce((sum, milliseconds) => sum + milliseconds, 0);
    assert.ok(error instanceof UserError && /“laptop” is kept and goes on in the background/.test(error.message));
    assert.ok(waited > 40_000 && waited <= 60_000, `waited ${waited} ms`);

    harness.remote.faults.splice(0);
    const next = createHarness(harness.remote, harness.storage);
    const { deliveries } = await next.creation.settle(access);
    assert.deepEqual(
      { kinds: deliveries.map(({ kind }) => kind), ...outcomeOf(next) },
      { kinds: ["delivered"], ...oneKey },
    );
  });

  it("does not wait longer than a minute because the function asks for it", async () => {
    const harness = createHarness();
    harness.remote.faults.push(["POST /v1/keys", { code: "rate_limited", retryAfter: 3600, detail: "Too many." }]);
    await assert.rejects(harness.create(), { message: "Too many." });
    assert.deepEqual({ slept: harness.clock.slept, ...outcomeOf(harness) }, { slept: [], ...noKey });
  });

  for (const moment of ["while it waits to ask again", "while the request is on its way"] as const) {
    it(`deletes the key of a person who cancels ${moment}`, async () => {
      const harness = createHarness();
      const stop = new AbortController();
      if (moment === "while it waits to ask again") {
        harness.remote.faults.push(["POST /v1/keys", "lost-answer"]);
        harness.clock.beforeSleep = () => stop.abort();
      } else {
        const { aroundSend } = harness.remote;
        harness.remote.aroundSend = (route, send) =>
          aroundSend(route, async () => {
            const answer = await send();
            if (route === "POST /v1/keys") stop.abort();
            stop.signal.throwIfAborted();
            return answer;
          });
      }
      const error = await harness.create(stop.signal).catch((caught: unknown) => caught);
      assert.deepEqual(
        { cancelled: error instanceof CancelledError, keys: harness.remote.keys.size },
        { cancelled: true, keys: 1 },
      );

      const next = createHarness(harness.remote, harness.storage);
      const { deliveries } = await next.creation.settle(access);
      assert.deepEqual({ deliveries, ...outcomeOf(next) }, { deliveries: [{ kind: "discarded" }], ...noKey });
    });
  }

  it("sends nothing for a person who cancels at once", async () => {
    const harness = createHarness();
    const stop = new AbortController();
    stop.abort();
    const error = await harness.create(stop.signal).catch((caught: unknown) => caught);
    assert.deepEqual(
      { cancelled: error instanceof CancelledError, requests: harness.remote.requests.length, ...outcomeOf(harness) },
      { cancelled: true, requests: 0, ...noKey },
    );
  });

  it("says that a secret is lost when the function has erased it and it is not stored here", async () => {
    const first = createHarness();
    await first.crashIn(["POST /v1/keys", "after"]);
    for (const made of first.remote.made.values()) made.received = true;
    const next = createHarness(first.remote, first.storage);
    const { deliveries } = await next.creation.settle(access);
    assert.deepEqual(
      { kinds: deliveries.map(({ kind }) => kind), ...outcomeOf(next) },
      { kinds: ["secret-lost"], ...oneKey, secretsStored: [false] },
    );
  });

  it("does not accept an answer sealed to somebody else", async () => {
    const harness = createHarness();
    const sealed = "eyJhbGciOiJFQ0RILUVTIn0..AAAA.BBBB.CCCC";
    const { secret: _secret, ...key } = builtKey({ id: "key-9" });
    harness.remote.faults.push(["POST /v1/keys", Response.json({ key, sealedSecret: sealed }, { status: 201 })]);
    const delivery = await harness.create();
    assert.deepEqual(
      {
        kind: delivery.kind,
        received: harness.steps.includes("POST /v1/keys/{id}/received"),
        pending: outcomeOf(harness).stillPending,
      },
      { kind: "secret-lost", received: false, pending: 0 },
    );
  });

  it("leaves the creates of another account alone", async () => {
    const first = createHarness();
    await first.crashIn(["POST /v1/keys", "after"]);
    const next = createHarness(first.remote, first.storage);
    const other: Access = { ...access, account: { id: "owner-2", label: "grace@example.test" } };
    const { deliveries } = await next.creation.settle(other);
    assert.deepEqual({ deliveries, pending: outcomeOf(next).stillPending }, { deliveries: [], pending: 1 });
  });

  it("has two windows that settle the same create end with the one key", async () => {
    const first = createHarness();
    await first.crashIn(["POST /v1/keys", "after"]);
    const windows = [createHarness(first.remote, first.storage), createHarness(first.remote, first.storage)];
    await Promise.all(windows.map(({ creation }) => creation.settle(access)));
    assert.deepEqual(outcomeOf(first), oneKey);
  });

  it("writes no secret and no token to the log, whatever goes wrong", async () => {
    const harness = createHarness();
    harness.remote.faults.push(["POST /v1/keys", "lost-answer"], ["POST /v1/keys", { code: "internal" }]);
    await harness.create();
    assert.doesNotMatch(harness.log.lines.join("\n"), /sk-or-|ors_|eyJ|"d"/);
  });
});

/** A key whose secret is stored and which the tools get. */
async function createWithKey() {
  const harness = createHarness();
  const old = builtKey({ id: "key-old" });
  harness.remote.keys.set(old.id, old);
  harness.storage.values.set(`secret ${base} ${old.id}`, old.secret);
  harness.storage.values.set(`tools-key ${base}`, JSON.stringify({ keyId: old.id, accountId: account.id }));
  return harness;
}

function rotationOf({ remote, storage }: { remote: FakeFunction; storage: MemorySecretStorage }) {
  const [old, ...made] = [...remote.keys.values()];
  const [next] = made;
  const toolsKey = storage.values.get(`tools-key ${base}`) ?? "";
  return {
    old: old?.state,
    successors: made.length,
    isStored: next !== undefined && storage.values.get(`secret ${base} ${next.id}`) === next.secret,
    isForTools: next !== undefined && toolsKey.includes(`"${next.id}"`),
    sealedCopiesLeft: [...remote.made.values()].filter(({ received }) => !received).length,
    pending: [...storage.values.keys()].filter((name) => name.startsWith("pending")).length,
  };
}

const rotatedOnce = {
  old: "retiring",
  successors: 1,
  isStored: true,
  isForTools: true,
  sealedCopiesLeft: 0,
  pending: 0,
};
const untouched = {
  old: "active",
  successors: 0,
  isStored: false,
  isForTools: false,
  sealedCopiesLeft: 0,
  pending: 0,
};

const rotateSteps = [
  "store pending",
  "POST /v1/keys/{id}/rotate",
  "read pending",
  "store secret",
  "read tools-key",
  "store tools-key",
  "POST /v1/keys/{id}/received",
  "delete pending",
] as const;

describe("rotating a key", () => {
  it("stores what it needs before it sends, then the secret, then switches the tools, and says when the old one ends", async () => {
    const harness = await createWithKey();
    const delivery = await harness.rotate();
    assert.deepEqual(
      {
        retiring: delivery.kind === "delivered" ? delivery.retiring : undefined,
        steps: harness.steps,
        ...rotationOf(harness),
      },
      {
        retiring: { id: "key-old", at: "2026-11-24T11:00:00.000Z" },
        steps: [...rotateSteps],
        ...rotatedOnce,
      },
    );
  });

  for (const step of rotateSteps) {
    for (const moment of ["before", "after"] as const) {
      it(`ends with exactly one successor, which the tools get, when the window dies ${moment} “${step}”`, async () => {
        const first = await createWithKey();
        await first.crashIn([step, moment], "rotate");
        const next = createHarness(first.remote, first.storage);
        const { leftOpen } = await next.creation.settle(access);
        const nothingBegun = step === "store pending" && moment === "before";
        assert.deepEqual(
          { leftOpen, ...rotationOf(next) },
          { leftOpen: 0, ...(nothingBegun ? untouched : rotatedOnce) },
        );
      });
    }
  }

  it("goes on with the one that an earlier window began, also when it is asked for anew", async () => {
    const first = await createWithKey();
    await first.crashIn(["POST /v1/keys/{id}/rotate", "after"], "rotate");
    const next = createHarness(first.remote, first.storage);
    assert.deepEqual([(await next.rotate()).kind, rotationOf(next)], ["delivered", rotatedOnce]);
  });

  it("leaves the tools with the key that they have when that is another", async () => {
    const harness = await createWithKey();
    harness.storage.values.set(`tools-key ${base}`, JSON.stringify({ keyId: "key-7", accountId: account.id }));
    await harness.rotate();
    assert.deepEqual(rotationOf(harness), { ...rotatedOnce, isForTools: false });
  });

  it("keeps the successor of a person who cancels on the way, since the old key is going already", async () => {
    const harness = await createWithKey();
    const stop = new AbortController();
    harness.remote.faults.push(["POST /v1/keys/key-old/rotate", "lost-answer"]);
    harness.clock.beforeSleep = () => stop.abort();
    const error = await harness.rotate(stop.signal).catch((caught: unknown) => caught);
    const next = createHarness(harness.remote, harness.storage);
    await next.creation.settle(access);
    assert.deepEqual([error instanceof CancelledError, rotationOf(next)], [true, rotatedOnce]);
  });

  it("is not offered as a create that could be discarded", async () => {
    const first = await createWithKey();
    await first.crashIn(["POST /v1/keys/{id}/rotate", "after"], "rotate");
    const next = createHarness(first.remote, first.storage);
    assert.deepEqual(await next.creation.unfinished(access), []);
  });

  it("takes a refusal for an answer at once, and waits only where the function says how long", async () => {
    const harness = await createWithKey();
    const path = "POST /v1/keys/key-old/rotate";
    harness.remote.faults.push([path, { code: "conflict", detail: "Only an active key can be rotated." }]);
    await assert.rejects(harness.rotate(), { message: "Only an active key can be rotated." });
    assert.deepEqual([harness.clock.slept, rotationOf(harness)], [[], untouched]);
    harness.remote.faults.push([path, { code: "conflict", retryAfter: 2 }]);
    await harness.rotate();
    assert.deepEqual([harness.clock.slept, rotationOf(harness)], [[2000], rotatedOnce]);
  });
});
