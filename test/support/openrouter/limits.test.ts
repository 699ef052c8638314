import assert from "node:assert/strict";

import * as z from "zod/mini";

import { callsAs, infer, makeKey } from "./calls.ts";
import { startOpenRouter } from "./stand-in.ts";
import type { OpenRouterStandIn } from "./stand-in.ts";

const start = new Date("2026-11-24T10:00:00Z");

describe("what the stand-in for OpenRouter lets a key spend", () => {
  let standIn: OpenRouterStandIn;
  beforeEach(async () => {
    standIn = await startOpenRouter({ clock: () => start });
  });
  afterEach(() => standIn.stop());
  const manage = () => callsAs(standIn, standIn.managementKey);
  const exceeded = (period: string) =>
    [403, `Key limit exceeded (${period} limit). Manage it using https://openrouter.ai/settings/keys`] as const;

  const boundaries = [
    ["daily", "2026-11-24T23:59:59.999Z", { usage_daily: 0, usage_weekly: 5, usage_monthly: 5 }],
    ["weekly", "2026-11-22T23:59:59.999Z", { usage_daily: 0, usage_weekly: 0, usage_monthly: 5 }],
    ["monthly", "2026-12-31T23:59:59.999Z", { usage_daily: 0, usage_weekly: 5, usage_monthly: 0 }],
  ] as const;
  for (const [reset, lastMoment, usage] of boundaries) {
    it(`gives a ${reset} limit back at the first moment of the next window, not before`, async () => {
      standIn.setClock(new Date(lastMoment));
      const { hash, secret } = await makeKey(standIn, { limit: 5, limit_reset: reset });
      standIn.spend(hash, 5);
      assert.deepEqual(await infer(standIn, secret), exceeded(reset));

      standIn.advance(1);
      const { usage_daily, usage_weekly, usage_monthly, limit_remaining } = standIn.keys()[0] ?? {};
      assert.deepEqual({ usage_daily, usage_weekly, usage_monthly, limit_remaining }, { ...usage, limit_remaining: 5 });
      assert.deepEqual(await infer(standIn, secret), [200, null]);
      assert.deepEqual([standIn.keys()[0]?.usage, standIn.keys()[0]?.limit_remaining], [5.25, 4.75]);
    });
  }

  it("never gives a limit without reset back", async () => {
    const { hash, secret } = await makeKey(standIn, { limit: 5 });
    standIn.spend(hash, 5);
    standIn.advance(400 * 86_400_000);
    assert.deepEqual(await infer(standIn, secret), exceeded("total"));
  });

  it("lets a key overspend by its last call, shows the debt, and stops it there", async () => {
    const { secret } = await makeKey(standIn, { limit: 0.6, limit_reset: "daily" });
    const statuses = [];
    for (let call = 0; call < 4; call++) statuses.push((await infer(standIn, secret))[0]);
    const { usage, limit_remaining } = standIn.keys()[0] ?? {};
    assert.deepEqual([statuses, usage, limit_remaining], [[200, 200, 200, 403], 0.75, -0.15]);
  });

  it("counts three times 0.1 as all of 0.3", async () => {
    const { secret } = await makeKey(standIn, { limit: 0.3 });
    standIn.faults.turn({ priceUsd: 0.1 });
    const statuses = [];
    for (let call = 0; call < 4; call++) statuses.push((await infer(standIn, secret))[0]);
    assert.deepEqual([statuses, standIn.keys()[0]?.limit_remaining], [[200, 200, 200, 403], 0]);
  });

  it("charges models their own price", async () => {
    const { secret } = await makeKey(standIn);
    standIn.faults.turn({ pricesByModel: { "~openai/gpt-latest": 2 } });
    await infer(standIn, secret, { model: "~openai/gpt-latest" });
    await infer(standIn, secret);
    assert.equal(standIn.keys()[0]?.usage, 2.25);
  });

  it("refuses a call that asks for more tokens than what is left pays for", async () => {
    const { hash, secret } = await makeKey(standIn, { limit: 50, limit_reset: "monthly" });
    standIn.faults.turn({ outputTokenUsd: 0.001 });
    standIn.spend(hash, 49);
    const call = (max_tokens: number) => infer(standIn, secret, { max_tokens });
    assert.deepEqual(await call(1001), [
      402,
      "This request requires more credits, or fewer max_tokens. You requested up to 1001 tokens, but can only " +
        "afford 1000. To increase, visit https://openrouter.ai/settings/keys and create a key with a higher monthly limit",
    ]);
    assert.deepEqual(await call(1000), [200, null]);
  });

  it("refuses every key once the account is out of credit", async () => {
    const { hash, secret } = await makeKey(standIn);
    standIn.faults.turn({ accountCreditsUsd: 10 });
    standIn.spend(hash, 10);
    assert.deepEqual(await infer(standIn, secret), [
      402,
      "Insufficient credits. Add more using https://openrouter.ai/credits",
    ]);
  });

  it("counts an outside provider's bill towards the limit only when the key says so", async () => {
    const spend = async (hash: string) => {
      const body = JSON.stringify({ hash, usd: 3, isByok: true });
      await fetch(`${standIn.origin}/stand-in/spend`, { method: "POST", body });
    };
    const inside = await makeKey(standIn, { name: "inside", limit: 5, include_byok_in_limit: true });
    const outside = await makeKey(standIn, { name: "outside", limit: 5 });
    await spend(inside.hash);
    await spend(outside.hash);
    const figures = standIn.keys().map((key) => [key.name, key.usage, key.byok_usage, key.limit_remaining]);
    assert.deepEqual(figures, [
      ["outside", 0, 3, 5],
      ["inside", 0, 3, 2],
    ]);
  });

  it("stops a key at its expiry, which nobody can move", async () => {
    const { hash, secret } = await makeKey(standIn, { expires_at: "2026-11-24T10:00:01Z" });
    standIn.advance(999);
    const before = await infer(standIn, secret);
    await manage()("PATCH", `/keys/${hash}`, { expires_at: "2030-01-01T00:00:00Z" });
    standIn.advance(1);
    const own = await callsAs(standIn, secret)("GET", "/key");
    assert.deepEqual(
      [before[0], await infer(standIn, secret), own.status],
      [200, [401, "This API key has expired"], 401],
    );
  });

  it("refuses a disabled key and takes it back when it is enabled", async () => {
    const { hash, secret } = await makeKey(standIn);
    await manage()("PATCH", `/keys/${hash}`, { disabled: true });
    const disabled = await infer(standIn, secret);
    await manage()("PATCH", `/keys/${hash}`, { disabled: false });
    assert.deepEqual(
      [disabled, await infer(standIn, secret)],
      [
        [401, "This API key is disabled"],
        [200, null],
      ],
    );
  });

  it("tells a management key no more than a stranger when it tries to use a model", async () => {
    assert.deepEqual(await infer(standIn, standIn.managementKey), [401, "User not found."]);
    assert.deepEqual(await infer(standIn, "sk-or-v1-nobody"), [401, "User not found."]);
  });

  it("names the limit before the tokens, and the tokens before the guardrail", async () => {
    const { hash, secret } = await makeKey(standIn, { limit: 1 });
    await putUnderGuardrail(hash, { allowed_models: ["anthropic/claude-sonnet-4.6"] });
    standIn.faults.turn({ outputTokenUsd: 1 });
    const guardrail = await infer(standIn, secret, { max_tokens: 1 });
    const tokens = await infer(standIn, secret, { max_tokens: 2 });
    standIn.spend(hash, 1);
    const limit = await infer(standIn, secret, { max_tokens: 2 });
    assert.deepEqual([guardrail[0], tokens[0], limit[0]], [404, 402, 403]);
  });

  it("holds a key to its guardrail's models and budget while it is assigned", async () => {
    const { hash, secret } = await makeKey(standIn);
    const wishes = { allowed_models: ["openai/gpt-5-mini"], limit_usd: 0.25, reset_interval: "daily" };
    const id = await putUnderGuardrail(hash, wishes);
    const other = await infer(standIn, secret, { model: "~openai/gpt-latest" });
    const allowed = await infer(standIn, secret);
    const beyond = await infer(standIn, secret);
    await manage()("POST", `/guardrails/${id}/assignments/keys/remove`, { key_hashes: [hash] });
    const freed = await infer(standIn, secret, { model: "~openai/gpt-latest" });
    assert.deepEqual([other[0], allowed[0], beyond[0], freed[0]], [404, 200, 403, 200]);
  });

  async function putUnderGuardrail(hash: string, wishes: Record<string, unknown>): Promise<string> {
    const { body } = await manage()("POST", "/guardrails", { name: "engineers", ...wishes });
    const { id } = z.object({ data: z.object({ id: z.string() }) }).parse(body).data;
    await manage()("POST", `/guardrails/${id}/assignments/keys`, { key_hashes: [hash] });
    return id;
  }

  describe("on Anthropic's path", () => {
    const message = { model: "claude-opus-5-5", max_tokens: 10, messages: [{ role: "user", content: "say pong" }] };

    it("takes x-api-key in place of a missing bearer, never instead of a wrong one", async () => {
      const { secret } = await makeKey(standIn);
      const headers = { "x-api-key": secret };
      const alone = await callsAs(standIn, null)("POST", "/messages?beta=true", message, { headers });
      const beside = await callsAs(standIn, "wrong")("POST", "/messages?beta=true", message, { headers });
      const elsewhere = await callsAs(standIn, null)("POST", "/chat/completions", message, { headers });
      assert.deepEqual([alone.status, beside.status, elsewhere.status], [200, 401, 401]);
    });

    it("wraps errors as Anthropic does", async () => {
      const { hash, secret } = await makeKey(standIn, { limit: 1 });
      standIn.spend(hash, 1);
      const errors = [];
      for (const credential of [null, secret]) {
        errors.push((await callsAs(standIn, credential)("POST", "/messages", message)).body);
      }
      assert.deepEqual(errors, [
        {
          type: "error",
          error: {
            type: "authentication_error",
            message: "Missing Authentication header",
            error_type: "authentication",
          },
          request_id: null,
        },
        {
          type: "error",
          error: { type: "permission_error", message: exceeded("total")[1], error_type: "permission_denied" },
          request_id: null,
        },
      ]);
    });
  });
});
