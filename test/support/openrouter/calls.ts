import * as z from "zod/mini";

import type { OpenRouterStandIn } from "./stand-in.ts";

/** An answer, its JSON body read; the text itself when it is no JSON. */
export interface Called {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

export type Call = (
  method: string,
  path: string,
  body?: unknown,
  init?: { headers?: Record<string, string>; signal?: AbortSignal },
) => Promise<Called>;

/** Calls below /api/v1 with this credential as the bearer; null: without one. */
export function callsAs(standIn: Pick<OpenRouterStandIn, "apiUrl">, credential: string | null): Call {
  return async (method, path, body, init = {}) => {
    const response = await fetch(`${standIn.apiUrl}${path}`, {
      method,
      redirect: "manual",
      headers: {
        ...(credential === null ? {} : { authorization: `Bearer ${credential}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...init.headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
    const text = await response.text();
    return { status: response.status, body: jsonOrText(text), headers: response.headers };
  };
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const Created = z.object({ data: z.object({ hash: z.string() }), key: z.string() });

/** Creates a key with the wishes of `POST /keys`. */
export async function makeKey(
  standIn: OpenRouterStandIn,
  wishes: Record<string, unknown> = {},
): Promise<{ hash: string; secret: string }> {
  const { body } = await callsAs(standIn, standIn.managementKey)("POST", "/keys", { name: "alice", ...wishes });
  const created = Created.parse(body);
  return { hash: created.data.hash, secret: created.key };
}

/** Asks a model once with the key; the status and the error's message, if any. */
export async function infer(
  standIn: OpenRouterStandIn,
  secret: string,
  call: Record<string, unknown> = {},
): Promise<readonly [status: number, message: string | null]> {
  const { status, body } = await callsAs(standIn, secret)("POST", "/chat/completions", {
    model: "openai/gpt-5-mini",
    messages: [{ role: "user", content: "say pong" }],
    ...call,
  });
  const failed = z.object({ error: z.object({ message: z.string() }) }).safeParse(body);
  return [status, failed.success ? failed.data.error.message : null];
}
