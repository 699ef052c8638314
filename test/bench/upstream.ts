// OpenRouter's keys operations with nothing behind them: answers of the right shapes, after a delay, as fast as Node can.
// The full stand-in checks fields, keeps a ledger and records requests, which would be measured along.
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";

import * as z from "zod/mini";

import { hashOf, pageSize } from "./company.ts";

/** How it behaves until told otherwise. */
export const UpstreamOrders = z.strictObject({
  delayMs: z.number(),
  /** How many keys the list has. */
  keys: z.int(),
  /** What every key has spent today, US dollars. */
  spentUsd: z.number(),
});
export type UpstreamOrders = z.infer<typeof UpstreamOrders>;

let orders: UpstreamOrders = { delayMs: 0, keys: 0, spentUsd: 0 };
let pages: readonly string[] = [];
let calls: Record<string, number> = {};

function keyData(hash: string, name: string, limit: number): object {
  return {
    hash,
    name,
    label: `sk-or-v1-${hash.slice(0, 3)}...${hash.slice(-3)}`,
    disabled: false,
    limit,
    limit_remaining: limit - orders.spentUsd,
    limit_reset: "monthly",
    include_byok_in_limit: true,
    usage: orders.spentUsd,
    usage_daily: orders.spentUsd,
    usage_weekly: orders.spentUsd,
    usage_monthly: orders.spentUsd,
    byok_usage: 0,
    byok_usage_daily: 0,
    byok_usage_weekly: 0,
    byok_usage_monthly: 0,
    created_at: "2026-11-01T09:00:00.000000+00:00",
    updated_at: null,
    expires_at: "2027-01-01T09:00:00Z",
    creator_user_id: null,
    workspace_id: "00000000-0000-4000-8000-000000000001",
    external_user: null,
  };
}

/** Written in advance: a page of a hundred keys takes longer to write than some of the calls that are measured. */
function writePages(): readonly string[] {
  return Array.from({ length: Math.ceil(orders.keys / pageSize) }, (_, page) => {
    const length = Math.min(pageSize, orders.keys - page * pageSize);
    const data = Array.from({ length }, (_entry, index) => keyData(hashOf(page * pageSize + index + 1), "laptop", 25));
    return JSON.stringify({ data });
  });
}

interface Reply {
  readonly route: string;
  readonly status: number;
  readonly body: string;
}

function reply(method: string, url: URL, body: string): Reply {
  const [hash] = /^\/api\/v1\/keys\/(\w+)$/.exec(url.pathname)?.slice(1) ?? [];
  if (hash !== undefined && method === "GET") {
    return { route: "GET /keys/{hash}", status: 200, body: JSON.stringify({ data: keyData(hash, "laptop", 25) }) };
  }
  if (url.pathname === "/api/v1/keys" && method === "GET") {
    const page = pages[Number(url.searchParams.get("offset") ?? 0) / pageSize];
    return { route: "GET /keys", status: 200, body: page ?? '{"data":[]}' };
  }
  if (url.pathname === "/api/v1/keys" && method === "POST") {
    const { name, limit } = z.object({ name: z.string(), limit: z.number() }).parse(JSON.parse(body));
    const key = `sk-or-v1-${randomBytes(32).toString("hex")}`;
    const data = keyData(createHash("sha256").update(key).digest("hex"), name, limit);
    return { route: "POST /keys", status: 201, body: JSON.stringify({ data, key }) };
  }
  return { route: `${method} other`, status: 404, body: '{"error":{"code":404,"message":"Not found"}}' };
}

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  if (url.pathname === "/orders") {
    orders = UpstreamOrders.parse(JSON.parse(body));
    pages = writePages();
    calls = {};
    response.end("{}");
    return;
  }
  if (url.pathname === "/calls") {
    response.end(JSON.stringify(calls));
    calls = {};
    return;
  }
  const { route, status, body: text } = reply(request.method ?? "", url, body);
  calls[route] = (calls[route] ?? 0) + 1;
  const send = () => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(text);
  };
  if (orders.delayMs === 0) send();
  else setTimeout(send, orders.delayMs);
}

const server = createServer((request, response) => {
  let body = "";
  request.on("data", (data: Buffer) => (body += data.toString()));
  request.on("end", () => answer(request, response, body));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port.");
  console.log(`listening on http://127.0.0.1:${address.port}`);
});
