import { setTimeout as wait } from "node:timers/promises";

import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { MiddlewareHandler } from "hono";

import { answer, messages, refusal } from "./answers.ts";
import type { StandInContext, StandInEnv } from "./context.ts";
import type { Fault, FaultRules } from "./fault-rules.ts";

/** Does to each request what the rules say. */
export function faultMiddleware(rules: FaultRules): MiddlewareHandler<StandInEnv> {
  return async (c, next) => {
    const faults = rules.meet(c.req.method, c.req.path);
    const ending = faults.find((fault) => fault.kind !== "latency");
    await delay(faults, "before");
    const early = ending === undefined ? undefined : await answerBefore(c, ending);
    if (early !== undefined) return early;

    await next();
    await delay(faults, "after");
    const late = ending === undefined ? undefined : await answerAfter(c, ending);
    if (late === undefined) return undefined;
    // Hono keeps the headers of the answer it had, unless that is taken away first.
    c.res = undefined;
    c.res = late;
    return undefined;
  };
}

async function delay(faults: readonly Fault[], when: "before" | "after"): Promise<void> {
  for (const fault of faults) {
    if (fault.kind === "latency" && fault.when === when) {
      // Without a reference, so that a stopped stand-in does not keep its process for the rest of the latency.
      await wait(fault.ms, undefined, { ref: false });
    }
  }
}

/** The answer that takes the place of the call; undefined: the call goes on. */
async function answerBefore(c: StandInContext, fault: Fault): Promise<Response | undefined> {
  if (fault.kind === "rate-limit") {
    const headers = fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) };
    return refusal(c.req.path, 429, messages.rateLimit, { headers });
  }
  if (fault.kind === "redirect") {
    return new Response(null, { status: fault.status, headers: { location: fault.location } });
  }
  return "when" in fault && fault.when === "before" ? broken(c, fault) : undefined;
}

/** The answer in place of the one that the committed call got; undefined: that one is sent. */
async function answerAfter(c: StandInContext, fault: Fault): Promise<Response | undefined> {
  if (fault.kind === "odd-json") return answer(200, fault.body);
  if (fault.kind === "truncated") return truncated(c, fault.end);
  return "when" in fault && fault.when === "after" ? broken(c, fault) : undefined;
}

async function broken(c: StandInContext, fault: Fault): Promise<Response | undefined> {
  switch (fault.kind) {
    case "drop":
      c.env.incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    case "hang":
      await hungUp(c);
      return RESPONSE_ALREADY_SENT;
    case "status":
      return refusal(c.req.path, fault.status, messages.serverError);
    case "html":
      return new Response(webPage, { status: fault.status, headers: { "content-type": "text/html; charset=UTF-8" } });
    case "latency":
    case "rate-limit":
    case "truncated":
    case "redirect":
    case "odd-json":
      return undefined;
  }
}

const webPage = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking…</body></html>";

/** Until the client gives up or the stand-in stops, which breaks its connections. */
async function hungUp(c: StandInContext): Promise<void> {
  const { socket } = c.env.incoming;
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}

async function truncated(c: StandInContext, end: "clean" | "broken"): Promise<Response> {
  const { status, headers } = c.res;
  const whole = Buffer.from(await c.res.text());
  const half = whole.subarray(0, Math.floor(whole.length / 2));
  const type = { "content-type": headers.get("content-type") ?? "application/json" };
  if (end === "clean") return new Response(half, { status, headers: type });
  const { outgoing } = c.env;
  outgoing.writeHead(status, { ...type, "content-length": whole.length });
  await new Promise<void>((resolve) => outgoing.write(half, () => resolve()));
  outgoing.destroy();
  return RESPONSE_ALREADY_SENT;
}
