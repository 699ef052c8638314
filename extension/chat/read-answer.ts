import * as z from "zod/mini";

/** What a model says, piece by piece; `failed` and `broken` end it. */
export type AnswerPiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "call"; readonly id: string; readonly name: string; readonly input: object }
  | { readonly kind: "failed"; readonly status: number; readonly text: string }
  /** A call of a tool whose arguments are none. */
  | { readonly kind: "unreadable-call"; readonly name: string }
  /** The stream ended before the answer did. */
  | { readonly kind: "broken" };

const Chunk = z.object({
  choices: z.optional(
    z.array(
      z.object({
        finish_reason: z.nullish(z.string()),
        delta: z.nullish(
          z.object({
            content: z.nullish(z.string()),
            tool_calls: z.nullish(
              z.array(
                z.object({
                  index: z.number(),
                  id: z.nullish(z.string()),
                  function: z.nullish(z.object({ name: z.nullish(z.string()), arguments: z.nullish(z.string()) })),
                }),
              ),
            ),
          }),
        ),
      }),
    ),
  ),
  error: z.nullish(z.object({ code: z.union([z.number(), z.string()]), message: z.string() })),
});

/** Reads a streamed answer of `POST /chat/completions`. Rejects as the stream does. */
export async function* readAnswer(body: AsyncIterable<Uint8Array>): AsyncGenerator<AnswerPiece, void> {
  const calls = new Map<number, { id: string; name: string; json: string }>();
  let isFinished = false;
  for await (const data of eventsOf(body)) {
    if (data === "[DONE]") {
      isFinished = true;
      break;
    }
    const chunk = parse(data);
    if (chunk === undefined) continue;
    if (chunk.error) {
      const status = Number(chunk.error.code);
      yield { kind: "failed", status: Number.isInteger(status) ? status : 502, text: data };
      return;
    }
    const [choice] = chunk.choices ?? [];
    if (choice === undefined) continue;
    for (const { index, id, function: called } of choice.delta?.tool_calls ?? []) {
      const known = calls.get(index) ?? { id: "", name: "", json: "" };
      known.id ||= id ?? "";
      known.name ||= called?.name ?? "";
      known.json += called?.arguments ?? "";
      calls.set(index, known);
    }
    const text = choice.delta?.content ?? "";
    if (text !== "") yield { kind: "text", text };
    if (choice.finish_reason === "error") {
      yield { kind: "failed", status: 502, text: data };
      return;
    }
    if (typeof choice.finish_reason === "string") isFinished = true;
  }
  if (!isFinished) {
    yield { kind: "broken" };
    return;
  }
  for (const [index, { id, name, json }] of calls) {
    const input = argumentsOf(json);
    if (input === undefined) yield { kind: "unreadable-call", name };
    else yield { kind: "call", id: id === "" ? `call_${index}` : id, name, input };
  }
}

/** No arguments at all are written as nothing by some models. */
function argumentsOf(json: string): object | undefined {
  if (json.trim() === "") return {};
  try {
    const parsed: unknown = JSON.parse(json);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function parse(data: string): z.infer<typeof Chunk> | undefined {
  try {
    return Chunk.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

/** The data of a stream of server-sent events, whose comments and names are left out. */
async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
  }
  if (rest.startsWith("data:")) yield rest.slice(5).trim();
}
