import * as z from "zod/mini";

import type { Fetch } from "../account/function-client.ts";
import { CancelledError, describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ChatError } from "./chat-error.ts";
import { refusalOf, type RefusalDeps } from "./refusal.ts";
import { t } from "../base/words.ts";

/** A model that a conversation can be had with. */
export interface ChatModel {
  /** OpenRouter's, such as `anthropic/claude-sonnet-4.6`. */
  readonly id: string;
  readonly name: string;
  /** The maker, such as `anthropic`. */
  readonly family: string;
  readonly description: string | undefined;
  readonly maxInputTokens: number;
  readonly maxOutputTokens: number;
  readonly takesImages: boolean;
  readonly callsTools: boolean;
}

/** What is read of OpenRouter's list. A model that says less is left out; the others stay. */
const Listed = z.object({
  id: z.string().check(z.minLength(1)),
  name: z.string().check(z.minLength(1)),
  description: z.nullish(z.string()),
  context_length: z.nullish(z.number()),
  architecture: z.object({
    input_modalities: z.array(z.string()),
    output_modalities: z.array(z.string()),
  }),
  top_provider: z.nullish(
    z.object({ context_length: z.nullish(z.number()), max_completion_tokens: z.nullish(z.number()) }),
  ),
  supported_parameters: z.array(z.string()),
});
const List = z.object({ data: z.array(z.unknown()) });

export interface ReadModelsDeps extends RefusalDeps {
  readonly fetch: Fetch;
  readonly log: Log;
}

/**
 * The models that this key may use, as OpenRouter says. `base` is for example `https://openrouter.ai/api/v1`. Throws
 * ChatError and CancelledError.
 */
export async function readModels(
  deps: ReadModelsDeps,
  { base, secret, signal }: { readonly base: string; readonly secret: string; readonly signal: AbortSignal },
): Promise<readonly ChatModel[]> {
  const { host } = new URL(base);
  let response: Response;
  let text: string;
  try {
    response = await deps.fetch(`${base}/models/user`, {
      headers: { Accept: "application/json", Authorization: `Bearer ${secret}` },
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(15_000)]),
    });
    text = await response.text();
  } catch (cause) {
    if (signal.aborted) throw new CancelledError();
    deps.log.warn(`GET /models/user at ${host}: no answer (${describe(cause)})`);
    throw new ChatError(t("{0} could not be reached to ask for its models. Try again in a moment.", host), "passing");
  }
  deps.log.debug(`GET /models/user at ${host}: ${response.status}`);
  if (!response.ok) {
    throw await refusalOf(deps, { base, secret, signal, status: response.status, text, headers: response.headers });
  }
  const list = parse(text);
  if (list === undefined) {
    throw new ChatError(
      t("{0} answered, but not as OpenRouter does: check openrouterKeys.openRouterUrl.", host),
      "passing",
    );
  }
  return list.data.flatMap((entry) => {
    const listed = Listed.safeParse(entry);
    return listed.success ? chatModelOf(listed.data) : [];
  });
}

function parse(text: string): z.infer<typeof List> | undefined {
  try {
    return List.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Where OpenRouter does not say: what every model of today can do. */
const usualContext = 32_000;
const usualAnswer = 4096;

function chatModelOf(listed: z.infer<typeof Listed>): readonly ChatModel[] {
  const { id, name, description, architecture, top_provider: top, supported_parameters: parameters } = listed;
  // A model that only draws or speaks is none to talk with.
  if (!architecture.input_modalities.includes("text") || !architecture.output_modalities.includes("text")) return [];
  const context = positive(top?.context_length) ?? positive(listed.context_length) ?? usualContext;
  // Some say that an answer may fill the whole context, which would leave no room for a question.
  const answer = Math.min(positive(top?.max_completion_tokens) ?? usualAnswer, Math.ceil(context / 2));
  return [
    {
      id,
      name,
      family: id.replace(/^~/, "").split("/")[0] ?? id,
      description: description ?? undefined,
      maxInputTokens: context - answer,
      maxOutputTokens: answer,
      takesImages: architecture.input_modalities.includes("image"),
      callsTools: parameters.includes("tools"),
    },
  ];
}

function positive(value: number | null | undefined): number | undefined {
  return value === null || value === undefined || !(value > 0) ? undefined : Math.floor(value);
}

/**
 * Those that a person wants to choose from. `wanted` are ids in which `*` stands for anything; without any, all that
 * can call tools, which the editor's agent needs.
 */
export function chooseModels(models: readonly ChatModel[], wanted: readonly string[]): readonly ChatModel[] {
  if (wanted.length === 0) return models.filter(({ callsTools }) => callsTools);
  const patterns = wanted.map((text) => {
    const parts = text
      .trim()
      .split("*")
      .map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`));
    return new RegExp(`^${parts.join(".*")}$`, "i");
  });
  return models.filter(({ id }) => patterns.some((pattern) => pattern.test(id)));
}
