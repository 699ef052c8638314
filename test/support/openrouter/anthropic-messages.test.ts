import assert from "node:assert/strict";

import * as z from "zod/mini";

import { callsAs, makeKey } from "./calls.ts";
import { startOpenRouter } from "./stand-in.ts";
import type { OpenRouterStandIn } from "./stand-in.ts";

const Event = z.looseObject({
  type: z.string(),
  delta: z.optional(z.looseObject({ text: z.optional(z.string()), stop_reason: z.optional(z.string()) })),
});

describe("the stand-in for OpenRouter, asked as Claude Code asks", () => {
  let standIn: OpenRouterStandIn;
  let secret: string;
  beforeEach(async () => {
    standIn = await startOpenRouter();
    ({ secret } = await makeKey(standIn));
    standIn.faults.turn({ answerText: "one pong" });
  });
  afterEach(() => standIn.stop());
  const ask = async (stream: boolean) => {
    const message = { model: "claude-opus-5-5", max_tokens: 100, stream, messages: [{ role: "user", content: "hi" }] };
    return (await callsAs(standIn, secret)("POST", "/messages?beta=true", message)).body;
  };

  it("answers whole", async () => {
    const whole = z.looseObject({ usage: z.looseObject({ cost: z.number() }) }).parse(await ask(false));
    const { type, role, model, content, stop_reason, stop_sequence } = whole;
    assert.deepEqual(
      { type, role, model, content, stop_reason, stop_sequence, cost: whole.usage.cost },
      {
        type: "message",
        role: "assistant",
        model: "claude-opus-5-5",
        content: [{ type: "text", text: "one pong" }],
        stop_reason: "end_turn",
        stop_sequence: null,
        cost: 0.25,
      },
    );
  });

  it("answers in Anthropic's events, each named as its type, and charges once", async () => {
    const blocks = z
      .string()
      .parse(await ask(true))
      .trim()
      .split("\n\n");
    const [comment, ...named] = blocks;
    const events = named.map((block) => {
      const [, name, data] = /^event: (\S+)\ndata: (.+)$/.exec(block) ?? [];
      const event = Event.parse(JSON.parse(data ?? ""));
      assert.equal(name, event.type);
      return event;
    });
    assert.deepEqual(
      {
        comment,
        types: events.map(({ type }) => type),
        text: events.map(({ delta }) => delta?.text ?? "").join(""),
        stopped: events.at(-2)?.delta?.stop_reason,
        usage: standIn.keys()[0]?.usage,
      },
      {
        comment: ": OPENROUTER PROCESSING",
        types: [
          "message_start",
          "content_block_start",
          "ping",
          "content_block_delta",
          "content_block_delta",
          "content_block_stop",
          "message_delta",
          "message_stop",
        ],
        text: "one pong",
        stopped: "end_turn",
        usage: 0.25,
      },
    );
  });

  it("knows no count of tokens, and says so as Anthropic does", async () => {
    const { status, body } = await callsAs(standIn, secret)("POST", "/messages/count_tokens", {});
    assert.deepEqual([status, z.object({ type: z.string() }).parse(body)], [404, { type: "error" }]);
  });
});
