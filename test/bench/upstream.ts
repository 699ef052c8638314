// OpenRouter's keys operations and Google's directory, with next to nothing behind them: answers of the right shapes, after a delay, as fast as Node can.
// The full stand-in checks fields, keeps a ledger and records requests, which would be measured along.
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";

import * as z from "zod/mini";

import { domain, hashOf, keyIdOf, pageSize } from "./company.ts";

/** How it behaves until told otherwise. */
export const UpstreamOrders = z.strictObject({
  delayMs: z.number(),
  /** How many keys the list has. */
  keys: z.int(),
  /** What every key has spent today, US dollars. */
  spentUsd: z.number(),
  /** What the deployment writes into the names of its keys; empty: they carry no mark. */
  mark: z._default(z.string(), ""),
  /** How many people the directory has, by the numbers of the company. */
  people: z._default(z.int(), 0),
  /** How many of them, from the last one on, are suspended. */
  gone: z._default(z.int(), 0),
  /** More calls than this in a second are answered with 429; 0: as many as come. */
  mostASecond: z._default(z.int(), 0),
});
export type UpstreamOrders = z.infer<typeof UpstreamOrders>;

let orders: UpstreamOrders = UpstreamOrders.parse({ delayMs: 0, keys: 0, spentUsd: 0 });
let pages: readonly string[] = [];
/** Hashes of keys that were disabled since the last order. */
const disabled = new Set<string>();
let second = { number: 0, calls: 0 };
let calls: Record<string, number> = {};

function keyData(hash: string, name: string, limit: number): object {
  return {
    hash,
    name,
    label: `sk-or-v1-${hash.slice(0, 3)}...${hash.slice(-3)}`,
    disabled: disabled.has(hash),
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
    return writePage(page, length);
  });
}

function writePage(page: number, length: number): string {
  const data = Array.from({ length }, (_entry, index) => {
    const number = page * pageSize + index + 1;
    return keyData(hashOf(number), nameOf(number), 25);
  });
  return JSON.stringify({ data });
}

function nameOf(number: number): string {
  return orders.mark === "" ? "laptop" : `laptop [ork-${orders.mark}-${keyIdOf(number)}-1]`;
}

interface Reply {
  readonly route: string;
  readonly status: number;
  readonly body: string;
}

/** Too many calls within one second of the clock. */
function isTooFast(): boolean {
  const number = Math.floor(Date.now() / 1_000);
  second = { number, calls: second.number === number ? second.calls + 1 : 1 };
  return orders.mostASecond > 0 && second.calls > orders.mostASecond;
}

function directoryReply(url: URL): Reply {
  if (url.pathname === "/token") {
    const token = { access_token: "bench", expires_in: 3_600, token_type: "Bearer" };
    return { route: "Google token", status: 200, body: JSON.stringify(token) };
  }
  const [key] = /\/users\/(\d+)$/.exec(url.pathname)?.slice(1) ?? [];
  if (key !== undefined) return { route: "Google user", status: 200, body: JSON.stringify(userData(Number(key))) };
  const from = Number(url.searchParams.get("pageToken") ?? 0);
  const length = Math.min(500, orders.people - from);
  const users = Array.from({ length }, (_entry, index) => userData(from + index + 1));
  const next = from + length < orders.people ? { nextPageToken: String(from + length) } : {};
  return { route: "Google list", status: 200, body: JSON.stringify({ users, ...next }) };
}

function userData(number: number): object {
  const suspended = number > orders.people - orders.gone;
  return { id: String(number), primaryEmail: `person-${number}@${domain}`, suspended, archived: false };
}

function reply(method: string, url: URL, body: string): Reply {
  if (url.pathname === "/token" || url.pathname.startsWith("/admin/directory/")) return directoryReply(url);
  if (isTooFast()) return { route: "429", status: 429, body: '{"error":{"code":429,"message":"Too fast"}}' };
  const [hash] = /^\/api\/v1\/keys\/(\w+)$/.exec(url.pathname)?.slice(1) ?? [];
  if (hash !== undefined && (method === "GET" || method === "PATCH")) {
    if (
      method === "PATCH" &&
      z.looseObject({ disabled: z._default(z.boolean(), false) }).parse(JSON.parse(body)).disabled
    ) {
      disabled.add(hash);
    }
    const data = keyData(hash, nameOf(Number(hash)), 25);
    return { route: `${method} /keys/{hash}`, status: 200, body: JSON.stringify({ data }) };
  }
  if (url.pathname === "/api/v1/keys" && method === "GET") {
    const number = Number(url.searchParams.get("offset") ?? 0) / pageSize;
    const known = pages[number];
    const page =
      known === undefined || disabled.size === 0
        ? known
        : writePage(number, Math.min(pageSize, orders.keys - number * pageSize));
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
    disabled.clear();
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
  if (url.pathname === "/disabled") {
    response.end(JSON.stringify([...disabled]));
    return;
  }
  const { route, status, body: text } = reply(request.method ?? "", url, body);
  calls[route] = (calls[route] ?? 0) + 1;
  const send = () => {
    response.writeHead(status, {
      "Content-Type": "application/json",
      ...(status === 429 ? { "Retry-After": "1" } : {}),
    });
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
