import { setTimeout as delay } from "node:timers/promises";

import { Hono } from "hono";
import * as z from "zod/mini";

import { newId } from "./account.ts";
import type { Account } from "./account.ts";
import { answer, messages, refusal } from "./answers.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import { chatCompletions } from "./chat-completions.ts";
import { jsonBody } from "./context.ts";
import type { StandInContext, StandInEnv } from "./context.ts";
import { admit } from "./inference-gate.ts";
import { openaiResponses } from "./openai-responses.ts";
import type { Protocol, Reply, StreamEvent } from "./protocol.ts";

const tokens = z.optional(z.nullable(z.int()));
const CallBody = z.object({
  model: z.optional(z.string()),
  stream: z.optional(z.nullable(z.boolean())),
  max_tokens: tokens,
  max_completion_tokens: tokens,
  max_output_tokens: tokens,
  store: z.optional(z.nullable(z.boolean())),
  previous_response_id: z.optional(z.nullable(z.string())),
  tools: z.catch(z.optional(z.array(z.looseObject({ function: z.optional(z.looseObject({ name: z.string() })) }))), []),
  messages: z.catch(z.optional(z.array(z.looseObject({ role: z.string() }))), []),
});

/** POST /chat/completions, /responses and /messages. A model always says the knob's `answerText`. */
export function inferenceRoutes(account: Account): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>({ strict: false });
  routes.post("/chat/completions", (c) => infer(account, c, chatCompletions));
  routes.post("/responses", (c) => infer(account, c, openaiResponses));
  routes.post("/messages", (c) => infer(account, c, anthropicMessages));
  return routes;
}

function infer(account: Account, c: StandInContext, protocol: Protocol): Response {
  const parsed = CallBody.safeParse(jsonBody(c));
  const call = parsed.success ? parsed.data : {};
  const model = call.model ?? "openrouter/auto";
  const maxTokens = call.max_tokens ?? call.max_completion_tokens ?? call.max_output_tokens ?? null;
  const admission = admit(account, c, { model, maxTokens });
  if (admission.kind === "refused") return admission.answer;
  // OpenRouter keeps no responses: to ask for that is an error.
  if (!parsed.success || call.store === true || call.previous_response_id != null) {
    return refusal(c.req.path, 400, messages.badRequest);
  }

  const { toolCall, pieceDelayMs } = account.knobs.read();
  const isOffered = call.tools?.some((tool) => tool.function?.name === toolCall?.name) === true;
  const calls = isOffered && call.messages?.at(-1)?.role !== "tool" ? toolCall : null;
  const reply = { ...chargedReply(account, admission.key.hash, model, c.get("body").length), call: calls };
  return call.stream === true ? streamed(protocol.stream(reply), pieceDelayMs) : answer(200, protocol.whole(reply));
}

function chargedReply(account: Account, hash: string, model: string, bodyLength: number): Omit<Reply, "call"> {
  const { answerText, priceUsd, pricesByModel } = account.knobs.read();
  const at = account.clock.now();
  const costUsd = pricesByModel[model] ?? priceUsd;
  account.ledger.record(hash, { at, usd: costUsd, isByok: false });
  return {
    id: newId().replaceAll("-", ""),
    model,
    text: answerText,
    inputTokens: Math.ceil(bodyLength / 4),
    outputTokens: Math.max(1, Math.ceil(answerText.length / 4)),
    costUsd,
    at,
  };
}

function streamed(events: readonly StreamEvent[], pieceDelayMs: number): Response {
  const encoder = new TextEncoder();
  // OpenRouter opens every stream with this comment, which clients must skip.
  const pieces = [": OPENROUTER PROCESSING\n\n", ...events.map(eventText)].map((piece) => encoder.encode(piece));
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (pieceDelayMs > 0) await delay(pieceDelayMs);
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-cache" } });
}

function eventText({ event, data }: StreamEvent): string {
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${data}\n\n`;
}
