import assert from "node:assert/strict";

import { ChatRequest$outboundSchema } from "@openrouter/sdk/models/chatrequest.js";

import { CancelledError } from "../../../extension/base/errors.ts";
import { askModel, type SaidPiece } from "../../../extension/chat/ask-model.ts";
import { ChatError } from "../../../extension/chat/chat-error.ts";
import { type Conversation, requestBody } from "../../../extension/chat/conversation.ts";
import type { Key, KeyState } from "../../../functions/contract/keys.ts";
import { callsAs, makeKey } from "../../support/openrouter/calls.ts";
import { startOpenRouter } from "../../support/openrouter/stand-in.ts";
import type { OpenRouterStandIn } from "../../support/openrouter/stand-in.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const weather = { name: "weather", description: "Tells the weather.", schema: { type: "object", properties: {} } };

function conversation(more: Partial<Conversation> = {}): Conversation {
  return {
    modelId: "openai/gpt-5-mini",
    takesImages: true,
    messages: [{ role: "user", parts: [{ kind: "text", text: "say pong" }] }],
    tools: [],
    mustCallTool: false,
    options: {},
    ...more,
  };
}

describe("a chat with a model of OpenRouter", () => {
  let standIn: OpenRouterStandIn;
  let key: { readonly hash: string; readonly secret: string };
  let known: Key | undefined;
  let log = createRecordingLog();
  beforeEach(async () => {
    standIn = await startOpenRouter();
    key = await makeKey(standIn, { limit: 1, limit_reset: "monthly" });
    known = undefined;
    log = createRecordingLog();
  });
  afterEach(() => standIn.stop());

  async function ask(more: Partial<Conversation> = {}, signal = new AbortController().signal) {
    const said: SaidPiece[] = [];
    const deps = { fetch, log, keyNow: async () => known };
    const place = { base: standIn.apiUrl, secret: key.secret, signal };
    const error = await askModel(deps, place, conversation(more), (piece) => said.push(piece)).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    const leaked = `${JSON.stringify(said)} ${String(error)} ${log.lines.join(" ")}`.includes(key.secret);
    assert.equal(leaked, false);
    return { said, error };
  }

  async function refusal(more: Partial<Conversation> = {}): Promise<readonly [fault: string, message: string]> {
    const { error } = await ask(more);
    assert.ok(error instanceof ChatError, String(error));
    return [error.fault, error.message];
  }

  const named = (state: KeyState): Key => ({
    id: "key-1",
    name: "laptop",
    label: "sk-or-v1-…",
    state,
    limitUsd: 1,
    reset: "monthly",
    createdAt: "2026-11-01T00:00:00Z",
    expiresAt: "2027-01-30T00:00:00Z",
    spend: { windowUsd: 1, remainingUsd: 0, resetsAt: "2026-12-01T00:00:00Z", dayUsd: 1, weekUsd: 1, monthUsd: 1 },
  });

  it("is answered piece by piece, and paid by the key", async () => {
    const { said, error } = await ask();
    assert.deepEqual(
      { said, error, spent: standIn.keys()[0]?.usage, logged: log.lines.join(" ").includes("pong") },
      {
        said: [
          { kind: "text", text: "po" },
          { kind: "text", text: "ng" },
        ],
        error: undefined,
        spent: 0.25,
        logged: false,
      },
    );
  });

  it("lets the model call a tool, and goes on with what the tool said", async () => {
    standIn.faults.turn({ toolCall: { name: "weather", json: '{"city":"Oslo"}' } });
    const { said } = await ask({ tools: [weather], mustCallTool: true });
    const call = { kind: "call", id: "call_1", name: "weather", input: { city: "Oslo" } } as const;
    const answered = await ask({
      tools: [weather],
      messages: [
        { role: "user", parts: [{ kind: "text", text: "How is it in Oslo?" }] },
        { role: "assistant", parts: [call] },
        { role: "user", parts: [{ kind: "result", id: "call_1", parts: [{ kind: "text", text: "snow" }] }] },
      ],
    });
    assert.deepEqual([said, answered.said.length], [[call], 2]);
    assert.deepEqual(standIn.requests.at(-1)?.chat, {
      model: "openai/gpt-5-mini",
      roles: ["user", "assistant", "tool"],
      images: 0,
      tools: 1,
    });
  });

  it("says so when a model calls a tool in a way that cannot be read", async () => {
    standIn.faults.turn({ toolCall: { name: "weather", json: '{"city":' } });
    assert.deepEqual(await refusal({ tools: [weather] }), [
      "model",
      "openai/gpt-5-mini wanted to use the tool “weather” in a way that cannot be read. Try again, or choose another model.",
    ]);
  });

  it("sends what OpenRouter's own SDK would send", () => {
    const image = { kind: "image", mime: "image/png", data: new Uint8Array([1, 2, 3]) } as const;
    const body: unknown = JSON.parse(
      requestBody(
        conversation({
          messages: [
            { role: "system", parts: [{ kind: "text", text: "Be brief." }, { kind: "cache" }] },
            { role: "user", parts: [{ kind: "text", text: "What is it?" }, image] },
            { role: "assistant", parts: [{ kind: "call", id: "c1", name: "weather", input: { city: "Oslo" } }] },
            {
              role: "user",
              parts: [
                { kind: "text", text: "And now?" },
                { kind: "result", id: "c1", parts: [{ kind: "text", text: "snow" }] },
              ],
            },
          ],
          tools: [weather],
          options: { temperature: 0.2, somethingElse: true },
        }),
      ),
    );
    assert.deepEqual(
      body,
      ChatRequest$outboundSchema.parse({
        model: "openai/gpt-5-mini",
        stream: true,
        temperature: 0.2,
        messages: [
          { role: "system", content: [{ type: "text", text: "Be brief.", cacheControl: { type: "ephemeral" } }] },
          {
            role: "user",
            content: [
              { type: "text", text: "What is it?" },
              { type: "image_url", imageUrl: { url: "data:image/png;base64,AQID" } },
            ],
          },
          {
            role: "assistant",
            content: null,
            toolCalls: [{ id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Oslo"}' } }],
          },
          { role: "tool", toolCallId: "c1", content: "snow" },
          { role: "user", content: "And now?" },
        ],
        tools: [
          {
            type: "function",
            function: { name: "weather", description: "Tells the weather.", parameters: weather.schema },
          },
        ],
        toolChoice: "auto",
      }),
    );
  });

  it("keeps an image from a model that cannot see", async () => {
    const parts = [{ kind: "image", mime: "image/png", data: new Uint8Array([1]) }] as const;
    await ask({ messages: [{ role: "user", parts }] });
    await ask({ messages: [{ role: "user", parts }], takesImages: false });
    assert.deepEqual(
      standIn.requests.flatMap(({ chat }) => (chat === null ? [] : [chat.images])),
      [1, 0],
    );
  });

  it("ends at once when the person stops it, and OpenRouter hears so", async () => {
    standIn.faults.turn({ pieceDelayMs: 60 });
    const stop = new AbortController();
    const deps = { fetch, log, keyNow: async () => known };
    const place = { base: standIn.apiUrl, secret: key.secret, signal: stop.signal };
    const said: SaidPiece[] = [];
    const error = await askModel(deps, place, conversation(), (piece) => {
      said.push(piece);
      stop.abort();
    }).catch((caught: unknown) => caught);
    await until(() => standIn.requests.at(-1)?.brokenOff === true);
    assert.ok(error instanceof CancelledError, String(error));
    assert.equal(said.length, 1);
  });

  it("tells that the key has spent its limit, and when it works again", async () => {
    standIn.spend(key.hash, 1);
    known = named("active");
    assert.deepEqual(await refusal(), [
      "limit",
      "Your key “laptop” has spent its limit: $1 a month. It works again on 1 Dec.",
    ]);
  });

  it("tells what is left when that does not pay for the answer", async () => {
    const [fault, message] = await refusal({ options: { max_tokens: 10_000_000 } });
    assert.equal(fault, "limit");
    assert.match(message, /^Your key has \$1 left, which does not pay for this answer, or .+: “This request requires/);
  });

  for (const [state, text] of [
    ["disabled", "Your key “laptop” is disabled. Enable it in the OpenRouter Keys view, or create another one."],
    ["expired", "Your key “laptop” has expired. Create another one in the OpenRouter Keys view."],
    ["gone", "Your key “laptop” does not exist any more. Create another one in the OpenRouter Keys view."],
  ] as const) {
    it(`tells that the key is ${state}`, async () => {
      const manage = callsAs(standIn, standIn.managementKey);
      await manage("PATCH", `/keys/${key.hash}`, { disabled: true });
      known = named(state);
      assert.deepEqual(await refusal(), ["key", text]);
    });
  }

  it("tells that the key is not accepted when the function does not say why", async () => {
    await callsAs(standIn, standIn.managementKey)("DELETE", `/keys/${key.hash}`);
    const [fault, message] = await refusal();
    assert.deepEqual([fault, message.startsWith("Your key is not accepted by OpenRouter any more")], ["key", true]);
  });

  const host = () => new URL(standIn.apiUrl).host;
  for (const [situation, fault, expected] of [
    [
      "takes no more",
      { kind: "rate-limit", retryAfter: 20 },
      /takes no more requests for openai\/gpt-5-mini just now. Try again in 20 s,/,
    ],
    ["is in trouble", { kind: "status", status: 503, when: "before" }, /could not answer just now \(HTTP 503\)/],
    ["drops the line", { kind: "drop", when: "before" }, /could not be reached, or the connection broke/],
    ["is a web page", { kind: "html", status: 200 }, /answered, but not as OpenRouter does/],
  ] as const) {
    it(`says so when OpenRouter ${situation}`, async () => {
      standIn.faults.add({ path: "/chat/completions", fault });
      const [kind, message] = await refusal();
      assert.equal(kind, "passing");
      assert.ok(message.startsWith(host()), message);
      assert.match(message, expected);
    });
  }
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}
