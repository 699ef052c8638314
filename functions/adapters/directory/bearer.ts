import * as z from "zod/mini";

import type { JsonClient, JsonReply } from "../json-client.ts";

/** A token endpoint's good answer (RFC 6749 5.1). */
const TokenAnswer = z.object({ access_token: z.string().check(z.minLength(1)), expires_in: z.number() });
const TokenRefusal = z.object({ error: z.string().check(z.regex(/^[a-z_]{1,60}$/)) });

export type Bearer =
  | { readonly kind: "bearer"; readonly token: string }
  | { readonly kind: "failed"; readonly reason: string; readonly isAlarming: boolean };

/** An access token kept in memory until five minutes before its end, and asked for once by however many need it. */
export interface BearerSource {
  readonly get: (client: JsonClient, signal: AbortSignal) => Promise<Bearer>;
  /** After a 401: the next one is fetched anew. */
  readonly forget: (token: string) => void;
}

export interface BearerOptions {
  readonly clock: () => number;
  /** One request for a token. Its reply never leaves this module. */
  readonly request: (client: JsonClient, signal: AbortSignal) => Promise<JsonReply>;
  /** The sentence for a refusal; the endpoint's own word for it follows in brackets. */
  readonly refused: string;
}

const marginMs = 5 * 60_000;

export function createBearerSource(options: BearerOptions): BearerSource {
  let known: { readonly token: string; readonly until: number } | undefined;
  let asking: Promise<Bearer> | undefined;

  async function fetchToken(client: JsonClient, signal: AbortSignal): Promise<Bearer> {
    const reply = await options.request(client, signal);
    if (reply.kind === "failed") return { ...reply, isAlarming: false };
    const answer = TokenAnswer.safeParse(reply.body);
    if (reply.status === 200 && answer.success) {
      const { access_token, expires_in } = answer.data;
      known = { token: access_token, until: options.clock() + expires_in * 1_000 - marginMs };
      return { kind: "bearer", token: access_token };
    }
    const word = TokenRefusal.safeParse(reply.body);
    const isRefusal = reply.status >= 400 && reply.status < 500 && reply.status !== 429 && reply.status !== 408;
    return {
      kind: "failed",
      reason: isRefusal
        ? `${options.refused}${word.success ? ` (${word.data.error})` : ""}.`
        : `The token endpoint answered ${reply.status}${reply.status === 200 ? " without a token" : ""}.`,
      isAlarming: isRefusal,
    };
  }

  return {
    async get(client, signal) {
      if (known !== undefined && known.until > options.clock()) return { kind: "bearer", token: known.token };
      asking ??= fetchToken(client, signal).finally(() => {
        asking = undefined;
      });
      return asking;
    },
    forget(token) {
      if (known?.token === token) known = undefined;
    },
  };
}

/** One request with the bearer; once more with another one when it is not taken. */
export async function askWithBearer(
  source: BearerSource,
  client: JsonClient,
  request: { readonly method: "GET" | "POST"; readonly url: string; readonly body?: string },
  signal: AbortSignal,
): Promise<JsonReply | { readonly kind: "failed"; readonly reason: string; readonly isAlarming: boolean }> {
  for (let attempt = 1; ; attempt += 1) {
    const bearer = await source.get(client, signal);
    if (bearer.kind === "failed") return bearer;
    const headers = {
      Authorization: `Bearer ${bearer.token}`,
      ...(request.body === undefined ? {} : { "Content-Type": "application/json" }),
    };
    const reply = await client.ask({ ...request, headers }, signal);
    if (reply.kind === "failed" || reply.status !== 401 || attempt > 1) return reply;
    source.forget(bearer.token);
  }
}
