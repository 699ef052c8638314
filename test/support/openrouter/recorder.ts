import type { MiddlewareHandler } from "hono";

import { sha256 } from "./account.ts";
import type { Account } from "./account.ts";
import { isInferencePath } from "./answers.ts";
import { bearerOf, credentialOf, identify } from "./auth.ts";
import type { Caller } from "./auth.ts";
import { parseJson } from "./context.ts";
import type { StandInEnv } from "./context.ts";

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
        status: null,
      };
      requests.push(entry);
      await next();
      if (!c.res.headers.has(answeredElsewhere)) entry.status = c.res.status;
    },
  };
}

function credentialName(caller: Caller): string {
  return caller.kind === "key" ? caller.key.hash : caller.kind;
}
