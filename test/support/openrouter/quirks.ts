import type { MiddlewareHandler } from "hono";

import type { Account } from "./account.ts";
import { isInferencePath, messages, refusal } from "./answers.ts";
import { parseJson } from "./context.ts";
import type { StandInEnv } from "./context.ts";

/** Answers 429 to management calls above the knob's number in any second. Real time: a stopped clock must not jam it. */
export function callLimit(account: Account): MiddlewareHandler<StandInEnv> {
  let lastSecond: number[] = [];
  return async (c, next) => {
    const { callsPerSecond, saysRetryAfter } = account.knobs.read();
    if (callsPerSecond === null || isInferencePath(c.req.path)) return next();
    const now = performance.now();
    lastSecond = lastSecond.filter((at) => now - at < 1000);
    if (lastSecond.length < callsPerSecond) {
      lastSecond.push(now);
      return next();
    }
    const headers = {
      ...(saysRetryAfter ? { "retry-after": "1" } : {}),
      "x-ratelimit-limit": String(callsPerSecond),
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": String(Date.now() + 1000),
    };
    return refusal(c.req.path, 429, messages.rateLimit, { headers });
  };
}

/** Adds a field nobody knows to every object of a JSON answer, while the knob says so. */
export function unknownFields(account: Account): MiddlewareHandler<StandInEnv> {
  return async (c, next) => {
    await next();
    if (!account.knobs.read().addUnknownFields) return;
    if (c.res.headers.get("content-type") !== "application/json") return;
    const { status } = c.res;
    const body = withUnknownFields(parseJson(await c.res.text()));
    c.res = undefined;
    c.res = new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
  };
}

function withUnknownFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknownFields);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, withUnknownFields(field)]);
  return { ...Object.fromEntries(fields), x_added_last_tuesday: { reason: "unknown to every client" } };
}
