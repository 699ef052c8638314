import { deltasOf } from "./protocol.ts";
import type { Protocol, Reply, StreamEvent } from "./protocol.ts";

/** Anthropic's messages. */
export const anthropicMessages: Protocol = {
  whole: (reply) => ({
    ...message(reply),
    content: [{ type: "text", text: reply.text }],
    stop_reason: "end_turn",
    usage: usage(reply, reply.outputTokens),
  }),

  stream(reply): StreamEvent[] {
    const events = [
      { type: "message_start", message: { ...message(reply), usage: usage(reply, 1) } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "ping" },
      ...deltasOf(reply.text).map((text) => ({
        type: "content_block_delta",
        index: 0,
        delta: { type: "text_delta", text },
      })),
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: usage(reply, reply.outputTokens),
      },
      { type: "message_stop" },
    ];
    return events.map((event) => ({ event: event.type, data: JSON.stringify(event) }));
  },
};

function message(reply: Reply) {
  return {
    id: `gen-${reply.id}`,
    type: "message",
    role: "assistant",
    model: reply.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function usage(reply: Reply, outputTokens: number) {
  return {
    input_tokens: reply.inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
    cost: reply.costUsd,
  };
}
