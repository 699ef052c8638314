import { deltasOf } from "./protocol.ts";
import type { Protocol, Reply, StreamEvent } from "./protocol.ts";

/** OpenAI's chat completions, with the usage and cost that OpenRouter adds. */
export const chatCompletions: Protocol = {
  whole: (reply) => ({
    ...common(reply, "chat.completion"),
    choices: [
      {
        index: 0,
        finish_reason: "stop",
        message: { role: "assistant", content: reply.text, refusal: null },
        logprobs: null,
      },
    ],
    usage: usage(reply),
  }),

  stream(reply): StreamEvent[] {
    const chunk = (delta: Record<string, unknown>, finishReason: string | null) => ({
      ...common(reply, "chat.completion.chunk"),
      choices: [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason: finishReason, logprobs: null }],
    });
    const chunks = [
      ...deltasOf(reply.text).map((content) => chunk({ content }, null)),
      chunk({ content: "" }, "stop"),
      { ...common(reply, "chat.completion.chunk"), choices: [], usage: usage(reply) },
    ];
    return [...chunks.map((body) => ({ data: JSON.stringify(body) })), { data: "[DONE]" }];
  },
};

function common(reply: Reply, object: string) {
  return {
    id: `gen-${reply.id}`,
    object,
    created: Math.floor(reply.at.getTime() / 1000),
    model: reply.model,
    provider: "Stand-in",
    system_fingerprint: "stand-in",
  };
}

function usage(reply: Reply) {
  return {
    prompt_tokens: reply.inputTokens,
    completion_tokens: reply.outputTokens,
    total_tokens: reply.inputTokens + reply.outputTokens,
    cost: reply.costUsd,
    is_byok: false,
  };
}
