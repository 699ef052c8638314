import { deltasOf } from "./protocol.ts";
import type { Protocol, Reply, StreamEvent } from "./protocol.ts";

/** OpenAI's chat completions, with the usage and cost that OpenRouter adds. */
export const chatCompletions: Protocol = {
  whole: (reply) => ({
    ...common(reply, "chat.completion"),
    choices: [
      {
        index: 0,
        finish_reason: reply.call === null ? "stop" : "tool_calls",
        message:
          reply.call === null
            ? { role: "assistant", content: reply.text, refusal: null }
            : { role: "assistant", content: null, refusal: null, tool_calls: [wholeCall(reply.call)] },
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
      ...(reply.call === null
        ? deltasOf(reply.text).map((content) => chunk({ content }, null))
        : callDeltas(reply.call).map((call) => chunk({ content: null, tool_calls: [call] }, null))),
      chunk({ content: "" }, reply.call === null ? "stop" : "tool_calls"),
      { ...common(reply, "chat.completion.chunk"), choices: [], usage: usage(reply) },
    ];
    return [...chunks.map((body) => ({ data: JSON.stringify(body) })), { data: "[DONE]" }];
  },
};

function wholeCall({ name, json }: { readonly name: string; readonly json: string }) {
  return { id: "call_1", type: "function", function: { name, arguments: json } };
}

/** The name first, then the arguments in pieces, as every maker does it. */
function callDeltas({ name, json }: { readonly name: string; readonly json: string }) {
  const start = { index: 0, id: "call_1", type: "function", function: { name, arguments: "" } };
  return [start, ...deltasOf(json).map((piece) => ({ index: 0, function: { arguments: piece } }))];
}

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
