import { Hono } from "hono";
import * as z from "zod/mini";

import type { Account } from "./account.ts";
import { answer } from "./answers.ts";
import { refusedCredential } from "./auth.ts";
import type { StandInEnv } from "./context.ts";
import { isModelAllowed } from "./guardrails.ts";

const catalog = [
  ["~anthropic/claude-opus-latest", "Anthropic: Claude Opus Latest", "Claude"],
  ["~anthropic/claude-sonnet-latest", "Anthropic: Claude Sonnet Latest", "Claude"],
  ["~anthropic/claude-haiku-latest", "Anthropic: Claude Haiku Latest", "Claude"],
  ["anthropic/claude-sonnet-4.6", "Anthropic: Claude Sonnet 4.6", "Claude"],
  ["~openai/gpt-latest", "OpenAI: GPT Latest", "GPT"],
  ["openai/gpt-5-mini", "OpenAI: GPT-5 Mini", "GPT"],
  ["google/gemini-3-flash", "Google: Gemini 3 Flash", "Gemini"],
  ["deepseek/deepseek-prover", "DeepSeek: Prover", "DeepSeek"],
  ["black-forest-labs/flux", "Black Forest Labs: Flux", "Other"],
] as const;

/** What the others have not: no tools and no eyes, or pictures in place of words. */
const oddities: Readonly<
  Record<string, { readonly input: string[]; readonly output: string[]; readonly tools: boolean }>
> = {
  "deepseek/deepseek-prover": { input: ["text"], output: ["text"], tools: false },
  "black-forest-labs/flux": { input: ["text"], output: ["image"], tools: false },
};

/** GET /models (for anybody, as at OpenRouter) and GET /models/user (what the key may use). */
export function modelRoutes(account: Account): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>({ strict: false });

  routes.get("/", (c) => answer(200, modelPage(models, c.req.query())));

  routes.get("/user", (c) => {
    const refused = refusedCredential(c);
    if (refused !== undefined) return refused;
    const caller = c.get("caller");
    const allowed = models.filter(({ id }) => caller.kind !== "key" || isModelAllowed(account, caller.key.hash, id));
    return answer(200, modelPage(allowed, c.req.query()));
  });

  return routes;
}

const models = catalog.map(([id, name, tokenizer]) => {
  const { input, output, tools } = oddities[id] ?? { input: ["text", "image"], output: ["text"], tools: true };
  return {
    id,
    canonical_slug: id,
    name,
    created: 1_767_225_600,
    description: `${name}, as the stand-in has it`,
    context_length: 200_000,
    architecture: {
      modality: `${input.join("+")}->${output.join("+")}`,
      input_modalities: input,
      output_modalities: output,
      tokenizer,
      instruct_type: null,
    },
    pricing: { prompt: "0.000001", completion: "0.000005" },
    top_provider: { context_length: 200_000, max_completion_tokens: 64_000, is_moderated: false },
    per_request_limits: null,
    supported_parameters: ["max_tokens", "reasoning", "temperature", ...(tools ? ["tool_choice", "tools"] : [])],
    supported_voices: null,
    default_parameters: null,
    links: { details: `/api/v1/models/${id}/endpoints` },
  };
});

const PageQuery = z.object({ limit: z.catch(z.coerce.number(), 0) });

/** `limit` cuts the list; anything else in the query (Codex sends `client_version`) changes nothing. */
function modelPage(all: typeof models, query: Record<string, string>): unknown {
  const { limit } = PageQuery.parse({ limit: query["limit"] ?? 0 });
  return { data: limit >= 1 ? all.slice(0, limit) : all, links: { next: null }, total_count: all.length };
}
