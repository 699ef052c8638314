import { deltasOf } from "./protocol.ts";
import type { Protocol, Reply, StreamEvent } from "./protocol.ts";

/** OpenAI's Responses, as far as a reply of one text goes. */
export const openaiResponses: Protocol = {
  whole: (reply) => response(reply, "completed"),

  stream(reply): StreamEvent[] {
    const place = { item_id: `msg_${reply.id}`, output_index: 0, content_index: 0 };
    const events = [
      { type: "response.created", response: response(reply, "in_progress") },
      { type: "response.in_progress", response: response(reply, "in_progress") },
      { type: "response.output_item.added", output_index: 0, item: item(reply, "in_progress") },
      { type: "response.content_part.added", ...place, part: part("") },
      ...deltasOf(reply.text).map((delta) => ({ type: "response.output_text.delta", ...place, delta, logprobs: [] })),
      { type: "response.output_text.done", ...place, text: reply.text, logprobs: [] },
      { type: "response.content_part.done", ...place, part: part(reply.text) },
      { type: "response.output_item.done", output_index: 0, item: item(reply, "completed") },
      { type: "response.completed", response: response(reply, "completed") },
    ];
    const numbered = events.map((event, sequence_number) => ({ ...event, sequence_number }));
    return numbered.map((event) => ({ event: event.type, data: JSON.stringify(event) }));
  },
};

type Status = "in_progress" | "completed";

function part(text: string) {
  return { type: "output_text", text, annotations: [] };
}

function item(reply: Reply, status: Status) {
  const content = status === "completed" ? [part(reply.text)] : [];
  return { id: `msg_${reply.id}`, type: "message", role: "assistant", status, content };
}

function response(reply: Reply, status: Status) {
  const seconds = Math.floor(reply.at.getTime() / 1000);
  const isDone = status === "completed";
  return {
    id: `gen-${reply.id}`,
    object: "response",
    status,
    created_at: seconds,
    completed_at: isDone ? seconds : null,
    model: reply.model,
    output: isDone ? [item(reply, "completed")] : [],
    usage: isDone ? usage(reply) : null,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: null,
    tools: [],
    tool_choice: "auto",
    parallel_tool_calls: true,
    frequency_penalty: null,
    presence_penalty: null,
    temperature: null,
    top_p: null,
    store: false,
  };
}

function usage(reply: Reply) {
  return {
    input_tokens: reply.inputTokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: reply.outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: reply.inputTokens + reply.outputTokens,
    cost: reply.costUsd,
    is_byok: false,
  };
}
