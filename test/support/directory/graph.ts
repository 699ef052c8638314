import type { User } from "@microsoft/microsoft-graph-types";
import { Hono } from "hono";
import * as z from "zod/mini";

import type { DirectoryEnv, WireFault } from "./serve.ts";
import { breakWire, serve } from "./serve.ts";

export interface GraphUser {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly mail?: string;
  readonly accountEnabled: boolean;
  /** Among the deleted items: found by no get, restorable for 30 days. */
  readonly isDeleted?: boolean;
}

/** What is wrong with Graph today. */
export interface GraphFaults {
  /** Asking for one user, alone or in a batch: what happens, to whom, and how many times. */
  get?: {
    readonly fault: "not-found" | "not-authorized" | "throttled" | "no-flag" | "left-out" | "twice";
    readonly of?: (id: string) => boolean;
    times?: number;
  };
  /** The same: what is answered in place of the truth; undefined: the truth. */
  answer?: (id: string) => { readonly status: number; readonly body: unknown } | undefined;
  batch?: WireFault;
  list?: WireFault | "empty-pages" | "same-page" | "elsewhere";
  delta?: WireFault | "expired" | "unknown-token" | "not-allowed";
  token?: WireFault | "refuses";
  deletedItems?: "not-authorized";
}

export interface GraphStandIn {
  readonly origin: string;
  /** As in GRAPH_URL, with the version. */
  readonly url: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly users: Map<string, GraphUser>;
  readonly faults: GraphFaults;
  /** "token", "list", "delta", "batch <n>" or "get <key>", oldest first. */
  readonly calls: string[];
  /** Makes or changes a user so that the delta tells of it. */
  readonly put: (user: GraphUser) => void;
  readonly stop: () => Promise<void>;
}

const BatchRequest = z.object({
  requests: z.array(z.object({ id: z.string(), method: z.literal("GET"), url: z.string() })),
});

/** Entra's token endpoint and Microsoft Graph on loopback. `pageSize`: what a page of the list holds at most. */
export async function startGraph(): Promise<GraphStandIn> {
  const users = new Map<string, GraphUser>();
  const faults: GraphFaults = {};
  const calls: string[] = [];
  const tokens = new Set<string>();
  /** Ids in the order of their changes; a delta token is a place in it. */
  const changes: string[] = [];
  const tenantId = crypto.randomUUID();
  const clientId = crypto.randomUUID();
  const clientSecret = crypto.randomUUID();

  const app = new Hono<DirectoryEnv>();
  app.post("/:tenant/oauth2/v2.0/token", async (context) => {
    calls.push("token");
    if (faults.token === "refuses") return context.json({ error: "invalid_client" }, 401);
    if (faults.token !== undefined) return breakWire(context, faults.token);
    const form = await context.req.parseBody();
    const isRight =
      context.req.param("tenant") === tenantId &&
      form["grant_type"] === "client_credentials" &&
      form["client_id"] === clientId &&
      form["client_secret"] === clientSecret &&
      form["scope"] === "https://graph.microsoft.com/.default";
    if (!isRight) return context.json({ error: "invalid_client" }, 401);
    const token = `eyJ.${crypto.randomUUID()}`;
    tokens.add(token);
    return context.json({ token_type: "Bearer", access_token: token, expires_in: 3_599 });
  });

  app.use("/v1.0/*", async (context, next) => {
    const bearer = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1] ?? "";
    if (!tokens.has(bearer)) return failure(401, "InvalidAuthenticationToken");
    return next();
  });

  /** One user, as a request of its own or as an item of a batch. */
  function readUser(key: string, select: string | undefined): { status: number; body: unknown } | "left-out" | "twice" {
    const rule = faults.get;
    if (rule !== undefined && (rule.of?.(key) ?? true) && (rule.times ?? 1) > 0) {
      if (rule.times !== undefined) rule.times -= 1;
      switch (rule.fault) {
        case "not-found":
          return { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };
        case "not-authorized":
          return { status: 403, body: { error: { code: "Authorization_RequestDenied" } } };
        case "throttled":
          return { status: 429, body: { error: { code: "TooManyRequests" } } };
        case "no-flag":
          return { status: 200, body: { id: key } };
        case "left-out":
        case "twice":
          return rule.fault;
      }
    }
    const odd = faults.answer?.(key);
    if (odd !== undefined) return { ...odd };
    const user = [...users.values()].find((each) => each.id === key || each.userPrincipalName === key);
    if (user === undefined || user.isDeleted === true) {
      return { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };
    }
    return { status: 200, body: pick(user, select) };
  }

  function readDeleted(id: string): { status: number; body: unknown } {
    if (faults.deletedItems === "not-authorized") {
      return { status: 403, body: { error: { code: "Authorization_RequestDenied" } } };
    }
    return users.get(id)?.isDeleted === true
      ? { status: 200, body: { "@odata.type": "#microsoft.graph.user", id } }
      : { status: 404, body: { error: { code: "Request_ResourceNotFound" } } };
  }

  app.get("/v1.0/users/delta", async (context) => {
    calls.push("delta");
    const { $deltatoken: token, $skiptoken: skip, $select: select } = context.req.query();
    if (faults.delta === "expired" && token !== "latest" && token !== undefined) {
      return failure(410, "syncStateNotFound");
    }
    if (faults.delta === "unknown-token" && token === "latest") return failure(400, "badRequest");
    if (faults.delta === "not-allowed") return failure(403, "Authorization_RequestDenied");
    if (faults.delta !== undefined && faults.delta !== "expired" && faults.delta !== "unknown-token") {
      return breakWire(context, faults.delta);
    }
    const base = `${new URL(context.req.url).origin}/v1.0/users/delta`;
    const end = { "@odata.deltaLink": `${base}?$deltatoken=${changes.length}` };
    if (token === "latest") return context.json({ value: [], ...end });
    if (token !== undefined) {
      const rows = [...new Set(changes.slice(Number(token)))].flatMap((id) => users.get(id) ?? []);
      return context.json({ value: rows.map(deltaRow), ...end });
    }
    // Whatever `$top` asks for.
    const from = Number(skip ?? 0);
    const rows = [...users.values()].slice(from, from + 200).map((user) => pick(user, select ?? "id,accountEnabled"));
    return context.json(
      from + 200 < users.size
        ? { value: rows, "@odata.nextLink": `${base}?$skiptoken=${from + 200}` }
        : { value: rows, ...end },
    );
  });

  app.get("/v1.0/users", async (context) => {
    calls.push("list");
    const { $skiptoken: skip, $top: top, $select: select } = context.req.query();
    const base = `${new URL(context.req.url).origin}/v1.0/users`;
    if (faults.list === "empty-pages") {
      return context.json({ value: [], "@odata.nextLink": `${base}?$skiptoken=${crypto.randomUUID()}` });
    }
    if (faults.list === "elsewhere") {
      return context.json({ value: [], "@odata.nextLink": "http://127.0.0.1:9/v1.0/users?$skiptoken=1" });
    }
    if (faults.list !== undefined && faults.list !== "same-page") return breakWire(context, faults.list);
    const size = Math.min(Number(top ?? 100), 999);
    const from = faults.list === "same-page" ? 0 : Number(skip ?? 0);
    const present = [...users.values()].filter((user) => user.isDeleted !== true);
    const rows = present.slice(from, from + size).map((user) => pick(user, select));
    const hasMore = faults.list === "same-page" || from + size < present.length;
    const next = `${base}?$select=${select ?? ""}&$top=${size}&$skiptoken=${from + size}`;
    return context.json({ value: rows, ...(hasMore ? { "@odata.nextLink": next } : {}) });
  });

  app.get("/v1.0/users/:key", (context) => {
    const key = context.req.param("key");
    calls.push(`get ${key}`);
    const answer = readUser(key, context.req.query("$select"));
    if (answer === "left-out" || answer === "twice") return failure(500, "generalException");
    return Response.json(answer.body, { status: answer.status });
  });

  app.post("/v1.0/$batch", async (context) => {
    const body = BatchRequest.safeParse(await context.req.json());
    if (!body.success || body.data.requests.length > 20) return failure(400, "BadRequest");
    calls.push(`batch ${body.data.requests.length}`);
    if (faults.batch !== undefined) return breakWire(context, faults.batch);
    const responses = body.data.requests.flatMap(({ id, url }): readonly object[] => {
      const { pathname, searchParams } = new URL(url, "http://graph.example");
      const [, collection, ...rest] = pathname.split("/").map(decodeURIComponent);
      const answer =
        collection === "directory"
          ? readDeleted(rest[1] ?? "")
          : readUser(rest[0] ?? "", searchParams.get("$select") ?? undefined);
      if (answer === "left-out") return [];
      if (answer === "twice") {
        return [
          { id, status: 200, body: { id: rest[0], accountEnabled: true } },
          { id, status: 200, body: { id: rest[0], accountEnabled: false } },
        ];
      }
      return [{ id, ...answer, headers: answer.status === 429 ? { "Retry-After": "3" } : {} }];
    });
    // Items come back in any order.
    return context.json({ responses: responses.toReversed() });
  });

  const { origin, stop } = await serve(app);
  return {
    origin,
    url: `${origin}/v1.0`,
    tenantId,
    clientId,
    clientSecret,
    users,
    faults,
    calls,
    put(user) {
      users.set(user.id, user);
      changes.push(user.id);
    },
    stop,
  };
}

function failure(status: number, code: string): Response {
  return Response.json({ error: { code, message: code } }, { status });
}

function deltaRow(user: GraphUser): unknown {
  return user.isDeleted === true
    ? { id: user.id, "@removed": { reason: "changed" } }
    : { id: user.id, accountEnabled: user.accountEnabled };
}

/** Graph gives `accountEnabled` only to who selects it. */
function pick(user: GraphUser, select: string | undefined): Record<string, unknown> {
  const names = select?.split(",") ?? ["id", "userPrincipalName", "mail"];
  const { isDeleted: _, ...fields } = user;
  // Microsoft's own description of a user holds for what is answered here.
  fields satisfies User;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}
