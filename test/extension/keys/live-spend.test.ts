import assert from "node:assert/strict";

import { createLiveSpend } from "../../../extension/keys/live-spend.ts";
import { createManualClock } from "../support/manual-clock.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const data = {
  limit: 25,
  limit_remaining: 4.5,
  limit_reset: "monthly",
  usage: 90,
  usage_daily: 2,
  usage_weekly: 9,
  usage_monthly: 20,
};

function createHarness() {
  const clock = createManualClock();
  const log = createRecordingLog();
  const asked: string[] = [];
  const harness = {
    clock,
    log,
    asked,
    key: { accountId: "owner-1", keyId: "key-1", secret: "sk-or-v1-one" } as
      | { accountId: string; keyId: string; secret: string }
      | undefined,
    answer: async (): Promise<Response> => Response.json({ data }),
  };
  const live = createLiveSpend({
    served: async () => harness.key,
    openRouterUrl: () => ({
      kind: "address",
      address: { base: "https://openrouter.test/api/v1", origin: "https://openrouter.test" },
    }),
    fetch: async (url, init) => {
      asked.push(`${url} ${new Headers(init?.headers).get("authorization") ?? ""} ${init?.redirect ?? ""}`);
      return harness.answer();
    },
    clock,
    log,
  });
  return Object.assign(harness, { live });
}

describe("the spend of the tools' key", () => {
  it("is asked of OpenRouter with that key, and is what its limit is counted by", async () => {
    const { live, asked, clock } = createHarness();
    await live.poll();
    assert.deepEqual(
      [asked, live.current],
      [
        ["https://openrouter.test/api/v1/key Bearer sk-or-v1-one error"],
        {
          kind: "key",
          keyId: "key-1",
          owner: "owner-1",
          reading: { limitUsd: 25, reset: "monthly", windowUsd: 20.5, dayUsd: 2, at: clock.time },
          fault: undefined,
        },
      ],
    );
  });

  it("is not asked for where tools get no key", async () => {
    const harness = createHarness();
    harness.key = undefined;
    await harness.live.refresh();
    assert.deepEqual([harness.asked, harness.live.current], [[], { kind: "none" }]);
  });

  it("is asked for once at a time, not when hardly old, and ever more rarely while nobody answers", async () => {
    const harness = createHarness();
    const { live, asked, clock } = harness;
    await Promise.all([live.poll(), live.poll(), live.poll()]);
    await live.poll();
    const whileFresh = asked.length;
    harness.answer = async () => new Response("<html>", { status: 503 });
    const pauses: number[] = [];
    let last = clock.time;
    for (let minute = 0; minute < 20; minute += 1) {
      clock.time += 60_000;
      const before = asked.length;
      await live.poll();
      if (asked.length === before) continue;
      pauses.push((clock.time - last) / 60_000);
      last = clock.time;
    }
    assert.deepEqual([whileFresh, pauses], [1, [1, 1, 2, 4, 8]]);
  });

  it("keeps the last figure when the answer is of no use, and says why", async () => {
    const harness = createHarness();
    const { live, log } = harness;
    await live.refresh();
    const { current } = live;
    const faults: (string | undefined)[] = [];
    for (const answer of [
      async () => new Response("no", { status: 401 }),
      async () => new Response("slow down", { status: 429 }),
      async () => new Response("<html>"),
      async () => Response.json({ data: { ...data, usage_daily: "2" } }),
      async () => Promise.reject(new Error("sk-or-v1-one")),
    ]) {
      harness.answer = answer;
      await live.refresh();
      assert.equal(live.current.kind, "key");
      if (live.current.kind !== "key" || current.kind !== "key") continue;
      assert.deepEqual(live.current.reading, current.reading);
      faults.push(live.current.fault);
    }
    assert.deepEqual(faults, [
      "openrouter.test does not accept the key.",
      "openrouter.test could not say what the key has spent (HTTP 429).",
      "openrouter.test answered, but not as OpenRouter does.",
      "openrouter.test answered, but not as OpenRouter does.",
      "openrouter.test could not be reached.",
    ]);
    assert.equal(log.lines.join().includes("sk-or-v1-one"), false);
  });

  it("is never shown for another key", async () => {
    const harness = createHarness();
    const { live } = harness;
    await live.refresh();
    const seen: string[] = [];
    live.onDidChange((state) =>
      seen.push(state.kind === "key" ? `${state.keyId} ${state.reading?.windowUsd}` : "none"),
    );
    harness.answer = async () => {
      harness.key = { accountId: "owner-1", keyId: "key-2", secret: "sk-or-v1-two" };
      harness.answer = async () => new Response("away", { status: 500 });
      return Response.json({ data });
    };
    await live.refresh();
    assert.deepEqual(seen, ["key-2 undefined"]);
  });
});
