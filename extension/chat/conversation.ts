/** A conversation as the editor hands it over, without the editor's own classes. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "image"; readonly mime: string; readonly data: Uint8Array }
  | { readonly kind: "call"; readonly id: string; readonly name: string; readonly input: object }
  | { readonly kind: "result"; readonly id: string; readonly parts: readonly Part[] }
  /** What stands before it may be kept by whoever offers the model, and is cheaper the next time. */
  | { readonly kind: "cache" };

export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly parts: readonly Part[];
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly schema: object | undefined;
}

export interface Conversation {
  readonly modelId: string;
  readonly takesImages: boolean;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly mustCallTool: boolean;
  /** Such as `temperature`; what is not known here is left out. */
  readonly options: Readonly<Record<string, unknown>>;
}

type Content = Record<string, unknown>;

/** Options that every model may be sent: whoever does not know one leaves it out. */
const passedOn = ["temperature", "top_p", "max_tokens", "seed", "stop", "frequency_penalty", "presence_penalty"];

/** The body of `POST /chat/completions`, streamed. */
export function requestBody(conversation: Conversation): string {
  const { modelId, messages, tools, mustCallTool, options } = conversation;
  return JSON.stringify({
    model: modelId,
    stream: true,
    messages: messages.flatMap((message) => wireMessages(message, conversation.takesImages)),
    ...(tools.length === 0 ? {} : { tools: tools.map(wireTool), tool_choice: mustCallTool ? "required" : "auto" }),
    ...Object.fromEntries(passedOn.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
  });
}

function wireTool({ name, description, schema }: Tool): object {
  return {
    type: "function",
    function: { name, description, parameters: schema ?? { type: "object", properties: {} } },
  };
}

/** One message of the editor may be several here: results of tools are messages of their own, and come first. */
function wireMessages({ role, parts }: Message, takesImages: boolean): readonly object[] {
  const results = parts
    .filter((part) => part.kind === "result")
    .map((part) => ({
      role: "tool",
      tool_call_id: part.id,
      content: plainOr(contentOf(part.parts, takesImages)) ?? "",
    }));
  const calls = parts
    .filter((part) => part.kind === "call")
    .map(({ id, name, input }) => ({ id, type: "function", function: { name, arguments: JSON.stringify(input) } }));
  const content = contentOf(parts, takesImages && role === "user");
  if (content.length === 0 && calls.length === 0) return results;
  return [
    ...results,
    { role, content: plainOr(content) ?? null, ...(calls.length === 0 ? {} : { tool_calls: calls }) },
  ];
}

function contentOf(parts: readonly Part[], takesImages: boolean): readonly Content[] {
  const content: Content[] = [];
  for (const part of parts) {
    if (part.kind === "text" && part.text !== "") content.push({ type: "text", text: part.text });
    if (part.kind === "image") content.push(takesImages ? imageOf(part) : { type: "text", text: "(an image)" });
    const last = content.at(-1);
    // Only texts carry the mark.
    if (part.kind === "cache" && last?.["type"] === "text") last["cache_control"] = { type: "ephemeral" };
  }
  return content;
}

function imageOf({ mime, data }: { readonly mime: string; readonly data: Uint8Array }): Content {
  return { type: "image_url", image_url: { url: `data:${mime};base64,${Buffer.from(data).toString("base64")}` } };
}

/** Nothing but text is sent as a text, which every provider takes; undefined where there is nothing. */
function plainOr(content: readonly Content[]): string | readonly Content[] | undefined {
  if (content.length === 0) return undefined;
  const isPlain = content.every((item) => item["type"] === "text" && item["cache_control"] === undefined);
  return isPlain ? content.map((item) => String(item["text"])).join("\n") : content;
}
