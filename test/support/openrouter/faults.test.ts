import assert from "node:assert/strict";

import { callsAs, infer, makeKey } from "./calls.ts";
import type { Called } from "./calls.ts";
import type { FaultRule } from "./fault-rules.ts";
import { startOpenRouter } from "./stand-in.ts";
import type { OpenRouterStandIn } from "./stand-in.ts";

describe("breaking the stand-in for OpenRouter on purpose", () => {
  let standIn: OpenRouterStandIn;
  beforeEach(async () => {
    standIn = await startOpenRouter({ clock: () => new Date("2026-11-24T10:00:00Z") });
  });
  afterEach(() => standIn.stop());

  const manage = () => callsAs(standIn, standIn.managementKey);
  const onCreate = (fault: FaultRule["fault"]) => standIn.faults.add({ method: "POST", path: "/keys", fault });
  const create = (signal?: AbortSignal) =>
    manage()("POST", "/keys", { name: "alice" }, signal === undefined ? {} : { signal });
  /** What the client saw, how many keys there are, and what was recorded as answered. */
  const outcome = (seen: Called) => ({
    seen: [seen.status, seen.body],
    keys: standIn.keys().length,
    recorded: standIn.requests.map(({ status }) => status),
  });

  for (const [when, keys] of [
    ["before", 0],
    ["after", 1],
  ] as const) {
    it(`drops the connection ${when} committing`, async () => {
      onCreate({ kind: "drop", when });
      await assert.rejects(create(), { name: "TypeError", message: "fetch failed" });
      assert.deepEqual([standIn.keys().length, standIn.requests.map(({ status }) => status)], [keys, [null]]);
    });

    it(`never answers, having committed or not (${when}), and can still be stopped`, async () => {
      onCreate({ kind: "hang", when });
      await assert.rejects(create(AbortSignal.timeout(150)), { name: "TimeoutError" });
      assert.equal(standIn.keys().length, keys);
      const hanging = assert.rejects(create(), { name: "TypeError" });
      await assertEventually(() => standIn.requests.length === 2);
      await standIn.stop();
      await hanging;
    });

    it(`answers 503 ${when} committing`, async () => {
      onCreate({ kind: "status", status: 503, when });
      assert.deepEqual(outcome(await create()), {
        seen: [503, { error: { message: "Internal Server Error", code: 503 } }],
        keys,
        recorded: [503],
      });
    });

    it(`answers a web page with 200 ${when} committing`, async () => {
      onCreate({ kind: "html", status: 200, when });
      const seen = await create();
      assert.match(String(seen.body), /^<!DOCTYPE html>/);
      assert.deepEqual(
        [seen.status, seen.headers.get("content-type"), standIn.keys().length],
        [200, "text/html; charset=UTF-8", keys],
      );
    });

    it(`is slow ${when} committing, and meanwhile answers others`, async () => {
      onCreate({ kind: "latency", ms: 200, when });
      const answered: string[] = [];
      const began = performance.now();
      const slow = create().then(({ status }) => answered.push(`create ${status}`));
      await assertEventually(() => standIn.requests.length === 1);
      const { status } = await manage()("GET", "/keys");
      answered.push(`list ${status}`);
      await slow;
      assert.deepEqual(answered, ["list 200", "create 201"]);
      assert.ok(performance.now() - began >= 199);
    });
  }

  it("makes a call that its client gave up on all the same, once the latency is over", async () => {
    onCreate({ kind: "latency", ms: 1_000 });
    const client = new AbortController();
    const asking = assert.rejects(create(client.signal), { name: "AbortError" });
    await assertEventually(() => standIn.requests.length === 1);
    client.abort();
    await asking;
    const atEnd = standIn.keys().length;
    await assertEventually(() => standIn.keys().length === 1);
    assert.equal(atEnd, 0);
  });

  it("answers a web page with 403, as a proxy in between does, and makes nothing", async () => {
    onCreate({ kind: "html", status: 403 });
    const seen = await create();
    assert.deepEqual([seen.status, typeof seen.body, standIn.keys().length], [403, "string", 0]);
  });

  for (const retryAfter of [undefined, 7, "Tue, 24 Nov 2026 10:00:30 GMT"]) {
    it(`answers 429 ${retryAfter === undefined ? "without Retry-After" : `with Retry-After ${retryAfter}`}`, async () => {
      onCreate({ kind: "rate-limit", ...(retryAfter === undefined ? {} : { retryAfter }) });
      const seen = await create();
      assert.equal(seen.headers.get("retry-after"), retryAfter === undefined ? null : String(retryAfter));
      assert.deepEqual(outcome(seen), {
        seen: [429, { error: { message: "Rate limit exceeded", code: 429 } }],
        keys: 0,
        recorded: [429],
      });
    });
  }

  it("cuts the JSON of a committed answer in half", async () => {
    onCreate({ kind: "truncated" });
    const seen = await create();
    assert.deepEqual([seen.status, typeof seen.body, standIn.keys().length], [201, "string", 1]);
    assert.match(String(seen.body), /^\{"data":\{"hash":/);
  });

  it("breaks the connection in the middle of a committed answer", async () => {
    onCreate({ kind: "truncated", end: "broken" });
    await assert.rejects(create(), { name: "TypeError", message: "terminated" });
    assert.equal(standIn.keys().length, 1);
  });

  it("redirects, and makes nothing", async () => {
    onCreate({ kind: "redirect", status: 307, location: "https://example.com/keys" });
    const seen = await create();
    assert.deepEqual(
      [seen.status, seen.headers.get("location"), standIn.keys().length],
      [307, "https://example.com/keys", 0],
    );
  });

  it("answers JSON of a shape nobody expects, having committed", async () => {
    onCreate({ kind: "odd-json", body: { data: [null] } });
    assert.deepEqual(outcome(await create()), { seen: [200, { data: [null] }], keys: 1, recorded: [200] });
  });

  it("breaks as often as told, after as many as told, only where told", async () => {
    const fault = { kind: "status", status: 500, when: "before" } as const;
    standIn.faults.add({ method: "GET", path: "/keys/*", skip: 1, times: 2, fault });
    const { hash } = await makeKey(standIn);
    const statuses = [];
    for (const path of [`/keys/${hash}`, "/keys", `/keys/${hash}`, `/keys/${hash}`, `/keys/${hash}`]) {
      statuses.push((await manage()("GET", path)).status);
    }
    assert.deepEqual([statuses, standIn.faults.rules()[0]?.fired], [[200, 200, 500, 500, 200], 2]);
  });

  it("matches any number of segments with **, and is whole again once cleared", async () => {
    standIn.faults.add({ path: "/**", fault: { kind: "status", status: 502, when: "before" } });
    const broken = [];
    for (const path of ["/key", "/models", "/guardrails/1/assignments/keys"])
      broken.push((await manage()("GET", path)).status);
    standIn.faults.clear();
    assert.deepEqual([broken, (await manage()("GET", "/key")).status], [[502, 502, 502], 200]);
  });

  it("refuses a rule that is not one", () => {
    assert.throws(() => standIn.faults.add({ path: "keys", fault: { kind: "hang", when: "after" } }));
    assert.throws(() => standIn.faults.add({ path: "/", fault: { kind: "status", status: 404, when: "after" } }));
    assert.throws(() => standIn.faults.turn({ pageSize: 0 }));
    assert.deepEqual(standIn.faults.rules(), []);
  });

  describe("by its standing knobs", () => {
    it("shows spend late, and holds to the limit at once", async () => {
      const { hash, secret } = await makeKey(standIn, { limit: 1 });
      standIn.faults.turn({ usageLagMs: 60_000 });
      standIn.spend(hash, 1);
      const shown = async () => {
        const { body } = await callsAs(standIn, secret)("GET", "/key");
        return /"usage":([\d.]+)/.exec(JSON.stringify(body))?.[1];
      };
      const early = await shown();
      const refused = await infer(standIn, secret);
      standIn.advance(60_000);
      assert.deepEqual([early, refused[0], await shown()], ["0", 403, "1"]);
    });

    for (const method of ["PATCH", "DELETE"]) {
      it(`lets a key go on for a while after ${method} stopped it`, async () => {
        const { hash, secret } = await makeKey(standIn);
        standIn.faults.turn({ disableLagMs: 3000 });
        await manage()(method, `/keys/${hash}`, method === "PATCH" ? { disabled: true } : undefined);
        standIn.advance(2999);
        const late = await infer(standIn, secret);
        standIn.advance(1);
        assert.deepEqual([late[0], (await infer(standIn, secret))[0]], [200, 401]);
      });
    }

    it("answers 429 above so many management calls a second, and never to a model's", async () => {
      const { secret } = await makeKey(standIn);
      standIn.faults.turn({ callsPerSecond: 3 });
      const calls = await Promise.all(Array.from({ length: 5 }, () => manage()("GET", "/keys")));
      const refused = calls.find(({ status }) => status === 429);
      assert.deepEqual(
        [
          calls.map(({ status }) => status).toSorted((a, b) => a - b),
          refused?.headers.get("retry-after"),
          (await infer(standIn, secret))[0],
        ],
        [[200, 200, 200, 429, 429], "1", 200],
      );
    });

    it("changes page size, label and fields of keys", async () => {
      const { secret } = await makeKey(standIn);
      await makeKey(standIn, { name: "bob" });
      standIn.faults.turn({ pageSize: 1, labelTail: 3, omitExternalUser: true, addUnknownFields: true });
      const { body } = await manage()("GET", "/keys?offset=1");
      const added = { x_added_last_tuesday: { reason: "unknown to every client" } };
      const { external_user: _, ...key } = standIn.keys()[1] ?? {};
      assert.deepEqual(body, {
        data: [{ ...key, label: `sk-or-v1-${secret.slice(9, 12)}...${secret.slice(-3)}`, ...added }],
        ...added,
      });
    });

    it("goes back to how it started", () => {
      standIn.faults.turn({ pageSize: 1, answerText: "ping" });
      standIn.faults.add({ path: "/**", fault: { kind: "hang", when: "before" } });
      standIn.faults.reset();
      const { pageSize, answerText } = standIn.faults.knobs();
      assert.deepEqual([pageSize, answerText, standIn.faults.rules()], [100, "pong", []]);
    });
  });
});

async function assertEventually(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!isTrue()) {
    assert.ok(performance.now() < deadline, "not within 5 s");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
