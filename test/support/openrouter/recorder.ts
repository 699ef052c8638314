import type { MiddlewareHandler } from "hono";

import * as z from "zod/mini";

import { sha256 } from "./account.ts";
import type { Account } from "./account.ts";
import { isInferencePath } from "./answers.ts";
import { bearerOf, credentialOf, identify } from "./auth.ts";
import type { Caller } from "./auth.ts";
import { parseJson } from "./context.ts";
import type { StandInEnv } from "./context.ts";

const ChatBody = z.object({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string() })),
  tools: z.optional(z.array(z.unknown())),
});

export interface ChatShape {
  readonly model: string;
  readonly roles: readonly string[];
  readonly images: number;
  readonly tools: number;
}

function chatShape(path: string, body: string): ChatShape | null {
  if (!path.endsWith("/chat/completions")) return null;
  const parsed = ChatBody.safeParse(parseJson(body));
  if (!parsed.success) return null;
  const { model, messages, tools = [] } = parsed.data;
  const images = JSON.stringify(messages).match(/"type":"image_url"/g)?.length ?? 0;
  return { model, roles: messages.map(({ role }) => role), images, tools: tools.length };
}

/** One request as it came in, without any secret. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** "management", "none", "unknown", or the hash of the key (also of a deleted one). */
  readonly credential: string;
  /** SHA-256 of the bearer, or of the whole header when it is no bearer: for a key, its hash. null: no header. */
  readonly authorization: string | null;
  /** SHA-256 of `x-api-key`; null: no header. */
  readonly xApiKey: string | null;
  readonly userAgent: string | null;
  /** The JSON sent, management calls only: prompts are not kept. null: none. */
  readonly body: unknown;
  /** What a chat brought along, by number and kind, without its words; null for every other call. */
  readonly chat: ChatShape | null;
  /** The client went away before the answer was whole. */
  readonly brokenOff: boolean;
  /** What was answered; null while unanswered, and for good when the connection was dropped or left hanging. */
  readonly status: number | null;
}

export interface Recorder {
  readonly requests: readonly RecordedRequest[];
  readonly clear: () => void;
  readonly middleware: MiddlewareHandler<StandInEnv>;
}

/** A response of which the real bytes were (or never will be) written beside Hono. */
export const answeredElsewhere = "x-hono-already-sent";

export function createRecorder(account: Account): Recorder {
  const requests: RecordedRequest[] = [];
  return {
    requests,
    clear: () => requests.splice(0),
    async middleware(c, next) {
      const authorization = c.req.header("authorization");
      const xApiKey = c.req.header("x-api-key");
      const caller = identify(account, credentialOf(c.req.path, authorization, xApiKey));
      const body = await c.req.text();
      c.set("caller", caller);
      c.set("body", body);

      const entry: { -readonly [Field in keyof RecordedRequest]: RecordedRequest[Field] } = {
        method: c.req.method,
        path: c.req.path,
        query: { ...c.req.query() },
        credential: credentialName(caller),
        authorization: authorization === undefined ? null : sha256(bearerOf(authorization) || authorization),
        xApiKey: xApiKey === undefined ? null : sha256(xApiKey),
        userAgent: c.req.header("user-agent") ?? null,
        body: isInferencePath(c.req.path) || body === "" ? null : (parseJson(body) ?? null),
        chat: chatShape(c.req.path, body),
        brokenOff: false,
        status: null,
      };
      c.req.raw.signal.addEventListener("abort", () => (entry.brokenOff = true));
      requests.push(entry);
      await next();
      if (!c.res.headers.has(answeredElsewhere)) entry.status = c.res.status;
    },
  };
}

function credentialName(caller: Caller): string {
  return caller.kind === "key" ? caller.key.hash : caller.kind;
}
