import { createHash } from "node:crypto";

import { Hono } from "hono";
import { CompactEncrypt, importJWK } from "jose";

import type { Fetch } from "../../../extension/account/function-client.ts";
import type { MeAnswer } from "../../../functions/contract/account.ts";
import type { Key } from "../../../functions/contract/keys.ts";
import type { Session, SessionsAnswer } from "../../../functions/contract/sessions.ts";
import { type ProblemCode, problemStatuses } from "../../../functions/contract/problem.ts";
import type { Raise, RaisesAnswer } from "../../../functions/contract/raises.ts";
import {
  CreateKeyRequest,
  PatchKeyRequest,
  RaiseRequest,
  RotateKeyRequest,
} from "../../../functions/contract/requests.ts";

/**
 * lost-request: the network fails before the function hears it; lost-answer: after it has done its work. A problem
 * is answered instead of doing anything.
 */
export type Fault =
  | "lost-request"
  | "lost-answer"
  | { readonly code: ProblemCode; readonly retryAfter?: number; readonly detail?: string }
  | Response;

interface Made {
  readonly body: string;
  readonly keyId: string;
  readonly recipient: CreateKeyRequest["recipient"];
  received: boolean;
}

export interface FakeFunction {
  readonly fetch: Fetch;
  readonly keys: Map<string, Key & { readonly secret: string }>;
  readonly made: Map<string, Made>;
  readonly requests: {
    readonly method: string;
    readonly url: string;
    readonly headers: Headers;
    readonly body: string;
  }[];
  /** For the next request of `METHOD /path`, one each. */
  readonly faults: (readonly [route: string, fault: Fault])[];
  /** One-time codes and the challenges they are bound to. */
  readonly codes: Map<string, string>;
  readonly sessions: Set<string>;
  /** The https addresses that sign-in may return to. */
  readonly redirects: Set<string>;
  /** What is listed as the person's own sessions. */
  readonly signIns: Map<string, Session>;
  me: MeAnswer;
  /** The person's own, newest first. */
  readonly raises: Raise[];
  /** Around everything that goes over the network: a crash can be put there. */
  aroundSend: <T>(route: string, send: () => Promise<T>) => Promise<T>;
}

export const base = "https://keys.test";
export const token = `ors_${"t".repeat(43)}`;
export const account = { id: "owner-1", label: "ada@example.test" };

/** The function in process, sealing for real; it keeps its word about the Idempotency-Key. */
export function createFakeFunction(): FakeFunction {
  let serial = 0;
  const keyOf = ({ secret: _secret, ...key }: Key & { readonly secret: string }): Key => key;

  const fake: FakeFunction = {
    keys: new Map(),
    made: new Map(),
    requests: [],
    faults: [],
    codes: new Map(),
    sessions: new Set([token]),
    redirects: new Set([`${base}/v1/auth/code`]),
    signIns: new Map(),
    me: {
      account,
      isAdmin: false,
      plan: { maxKeys: 3, budgetUsd: 100, reset: "monthly", defaultKeyUsd: 25, maxKeyUsd: 50, maxLifetimeDays: 90 },
      allowanceUsd: 100,
      keysLeft: 3,
    },
    raises: [],
    aroundSend: (_route, send) => send(),
    fetch: async (input, init) => {
      const url = new URL(input);
      const request = new Request(input, init);
      const route = `${request.method} ${url.pathname}`;
      const body = await request.clone().text();
      return fake.aroundSend(route, async () => {
        fake.requests.push({ method: request.method, url: input, headers: request.headers, body });
        const index = fake.faults.findIndex(([at]) => at === route);
        const fault = index < 0 ? undefined : fake.faults.splice(index, 1)[0]?.[1];
        if (fault === "lost-request") throw new TypeError("fetch failed");
        if (fault instanceof Response) return fault;
        if (fault !== undefined && fault !== "lost-answer") return problem(fault.code, fault.detail, fault.retryAfter);
        const answer = await app.fetch(request);
        if (fault === "lost-answer") throw new TypeError("fetch failed");
        return answer;
      });
    },
  };

  const app = new Hono();
  app.use("/v1/*", async (c, next) => {
    const bearer = c.req.header("Authorization")?.replace("Bearer ", "");
    if (c.req.path.startsWith("/v1/auth/") || (bearer !== undefined && fake.sessions.has(bearer))) return next();
    return problem("unauthorized", "Sign in again.");
  });
  app.get("/v1/auth/start", (c) => {
    const redirect = c.req.query("redirect_uri") ?? "";
    if (redirect.startsWith("https:") && !fake.redirects.has(redirect)) {
      return problem("invalid_request", "This address is not one that sign-in may return to.");
    }
    return c.redirect("https://issuer.test/authorize");
  });
  app.get("/v1/sessions", (c) => c.json({ sessions: [...fake.signIns.values()] } satisfies SessionsAnswer));
  app.delete("/v1/sessions/:id", (c) =>
    fake.signIns.delete(c.req.param("id")) ? c.body(null, 204) : problem("not_found", "You have no such session."),
  );
  app.post("/v1/auth/token", async (c) => {
    const { code, codeVerifier } = await c.req.json();
    const challenge = fake.codes.get(code);
    fake.codes.delete(code);
    if (challenge !== createHash("sha256").update(codeVerifier).digest("base64url")) {
      return problem("unauthorized", "This sign-in is no longer valid. Start again.");
    }
    fake.sessions.add(token);
    return c.json({ sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false });
  });
  app.delete("/v1/session", (c) => {
    fake.sessions.delete(c.req.header("Authorization")?.replace("Bearer ", "") ?? "");
    return c.body(null, 204);
  });
  app.get("/v1/me", (c) => c.json(fake.me));
  app.get("/v1/keys", (c) =>
    c.json({ keys: [...fake.keys.values()].map(keyOf), spendAsOf: "2026-11-24T10:00:00.000Z", spendComplete: true }),
  );
  app.post("/v1/keys", async (c) => {
    const idempotencyKey = c.req.header("Idempotency-Key") ?? "";
    const body = await c.req.text();
    const request = CreateKeyRequest.parse(JSON.parse(body));
    const earlier = fake.made.get(idempotencyKey);
    if (earlier !== undefined && earlier.body !== body) return problem("idempotency_mismatch", "Another request.");
    const made = earlier ?? { body, keyId: `key-${(serial += 1)}`, recipient: request.recipient, received: false };
    if (earlier === undefined) {
      fake.made.set(idempotencyKey, made);
      const name = request.name;
      fake.keys.set(made.keyId, builtKey({ id: made.keyId, name, limitUsd: request.limitUsd ?? 25 }));
    }
    const key = fake.keys.get(made.keyId) ?? builtKey({ id: made.keyId, state: "revoked" });
    if (made.received) return c.json({ key: keyOf(key) }, 201);
    const sealedSecret = await seal(key.secret, made.recipient);
    return c.json({ key: keyOf(key), sealedSecret }, 201);
  });
  app.post("/v1/keys/:id/rotate", async (c) => {
    const old = fake.keys.get(c.req.param("id"));
    if (old === undefined) return problem("not_found", "You have no such key.");
    const idempotencyKey = c.req.header("Idempotency-Key") ?? "";
    const body = await c.req.text();
    const { recipient } = RotateKeyRequest.parse(JSON.parse(body));
    const earlier = fake.made.get(idempotencyKey);
    if (earlier !== undefined && earlier.body !== body) return problem("idempotency_mismatch", "Another request.");
    if (earlier === undefined && old.state !== "active")
      return problem("conflict", "This key has been rotated already. Use its successor.");
    const made = earlier ?? { body, keyId: `key-${(serial += 1)}-next`, recipient, received: false };
    if (earlier === undefined) {
      fake.made.set(idempotencyKey, made);
      fake.keys.set(made.keyId, builtKey({ id: made.keyId, name: old.name, limitUsd: old.limitUsd }));
      fake.keys.set(old.id, { ...old, state: "retiring" });
    }
    const key = fake.keys.get(made.keyId) ?? builtKey({ id: made.keyId, state: "revoked" });
    const answer = { key: keyOf(key), retiring: { id: old.id, at: "2026-11-24T11:00:00.000Z" } };
    if (made.received) return c.json(answer, 201);
    return c.json({ ...answer, sealedSecret: await seal(key.secret, made.recipient) }, 201);
  });
  app.post("/v1/keys/:id/received", (c) => {
    for (const made of fake.made.values()) if (made.keyId === c.req.param("id")) made.received = true;
    return c.body(null, 204);
  });
  app.patch("/v1/keys/:id", async (c) => {
    const key = fake.keys.get(c.req.param("id"));
    if (key === undefined) return problem("not_found", "There is no such key.");
    const patch = PatchKeyRequest.parse(await c.req.json());
    const state =
      patch.disabled === undefined ? key.state : patch.disabled ? ("disabled" as const) : ("active" as const);
    const changed = { ...key, name: patch.name ?? key.name, state };
    fake.keys.set(key.id, changed);
    return c.json(keyOf(changed));
  });
  app.get("/v1/raises", (c) => c.json({ raises: fake.raises } satisfies RaisesAnswer));
  app.post("/v1/raises", async (c) => {
    const { keyId, limitUsd, until, reason } = RaiseRequest.parse(await c.req.json());
    const raise: Raise = {
      id: `raise-${(serial += 1)}`,
      keyId,
      keyName: fake.keys.get(keyId)?.name ?? "",
      limitUsd,
      until,
      reason,
      state: "waiting",
      createdAt: "2026-11-24T10:00:00.000Z",
    };
    fake.raises.unshift(raise);
    return c.json(raise, 201);
  });
  app.delete("/v1/keys/:id", (c) => {
    fake.keys.delete(c.req.param("id"));
    return c.body(null, 204);
  });
  return fake;
}

/** A key as the function lists it, with the secret that belongs to it. */
export function builtKey(facts: Partial<Key> = {}): Key & { readonly secret: string } {
  const id = facts.id ?? "key-0";
  return {
    id,
    name: "laptop",
    label: "sk-or-v1-abc...xyz",
    state: "active",
    limitUsd: 25,
    reset: "monthly",
    createdAt: "2026-11-24T10:00:00.000Z",
    expiresAt: "2027-02-22T10:00:00.000Z",
    spend: { windowUsd: 0, remainingUsd: 25, resetsAt: "2026-12-01T00:00:00.000Z", dayUsd: 0, weekUsd: 0, monthUsd: 0 },
    ...facts,
    secret: `sk-or-v1-${createHash("sha256").update(id).digest("hex")}`,
  };
}

export function problem(code: ProblemCode, detail = "No.", retryAfter?: number): Response {
  const status = problemStatuses[code];
  const body = { type: "about:blank", title: code, status, code, detail, requestId: "request-1", retryAfter };
  return Response.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

async function seal(secret: string, recipient: CreateKeyRequest["recipient"]): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(secret))
    .setProtectedHeader({ alg: "ECDH-ES", enc: "A256GCM" })
    .encrypt(await importJWK(recipient, "ECDH-ES"));
}
