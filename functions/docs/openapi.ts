import { mkdir, writeFile } from "node:fs/promises";

import * as z from "zod/mini";

import { MeAnswer, TokenAnswer } from "../contract/account.ts";
import { AdminKeysAnswer, AdminRaise, AdminRaisesAnswer, AuditAnswer } from "../contract/admin.ts";
import { EntraAnswer } from "../contract/entra.ts";
import { IdentitiesAnswer } from "../contract/identities.ts";
import { CreateKeyAnswer, idempotencyHeader, Key, KeysAnswer, keyStates, RotateKeyAnswer } from "../contract/keys.ts";
import { paths } from "../contract/paths.ts";
import type { ProblemCode } from "../contract/problem.ts";
import { problemStatuses } from "../contract/problem.ts";
import { Raise, RaisesAnswer } from "../contract/raises.ts";
import {
  ApproveRunRequest,
  CreateKeyRequest,
  DecideRaiseRequest,
  EntraTokenRequest,
  IdempotencyKey,
  IdentityDecision,
  PatchKeyRequest,
  RaiseRequest,
  RotateKeyRequest,
  TokenRequest,
} from "../contract/requests.ts";
import { NightlyRun, NightlyRunsAnswer } from "../contract/runs.ts";
import { SessionsAnswer } from "../contract/sessions.ts";
import { Time } from "../contract/time.ts";

/*
 * The HTTP contract as OpenAPI 3.1, from the schemas that the code parses with. `npm run openapi` writes it to
 * dist/openapi.json. SCIM's own routes are those of RFC 7644.
 */

/** Named in `components`; whatever else a route takes or gives is written where it is used. */
const schemas = {
  Key,
  Raise,
  AdminRaise,
  NightlyRun,
  TokenRequest,
  TokenAnswer,
  EntraAnswer,
  EntraTokenRequest,
  MeAnswer,
  SessionsAnswer,
  KeysAnswer,
  CreateKeyRequest,
  CreateKeyAnswer,
  RotateKeyRequest,
  RotateKeyAnswer,
  PatchKeyRequest,
  RaiseRequest,
  RaisesAnswer,
  AdminKeysAnswer,
  AdminRaisesAnswer,
  DecideRaiseRequest,
  AuditAnswer,
  NightlyRunsAnswer,
  ApproveRunRequest,
  IdentitiesAnswer,
  IdentityDecision,
  Health: z.object({ status: z.enum(["ok", "degraded"]), reasons: z.optional(z.array(z.string())) }),
  NightlySummary: z.union([
    z.object({
      runId: z.string(),
      mode: z.enum(["report", "enforce"]),
      checked: z.number(),
      active: z.number(),
      inactive: z.number(),
      unknown: z.number(),
      revoked: z.number(),
      failed: z.number(),
      repaired: z.number(),
      swept: z.number(),
      tripped: z.boolean(),
      partial: z.boolean(),
    }),
    z.object({ skipped: z.enum(["recent", "running"]) }),
  ]),
  Problem: z.object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.enum(Object.keys(problemStatuses)),
    detail: z.string(),
    requestId: z.string(),
    retryAfter: z.optional(z.number()),
  }),
};
type SchemaName = keyof typeof schemas;

interface Route {
  readonly does: string;
  /** Who may ask: anybody, a person with a session, an administrator, or a scheduler with CRON_SECRET. */
  readonly by: "anybody" | "session" | "admin" | "cron";
  readonly query?: Readonly<Record<string, { readonly required: boolean; readonly schema: object }>>;
  readonly isRepeatable?: boolean;
  readonly takes?: SchemaName;
  /** Status, and what comes with it: a schema, or what kind of thing it is. */
  readonly gives: Readonly<Record<number, SchemaName | "nothing" | "redirect" | "page" | "csv">>;
  readonly refuses?: readonly ProblemCode[];
}

const text = { type: "string" };
const page = {
  cursor: { required: false, schema: text },
  limit: { required: false, schema: { type: "integer", minimum: 1, maximum: 200 } },
};
const filter = {
  q: { required: false, schema: { type: "string", maxLength: 200 } },
  state: { required: false, schema: { type: "string", enum: [...keyStates] } },
};
const making: readonly ProblemCode[] = [
  "reauth_required",
  "offboarded",
  "conflict",
  "idempotency_mismatch",
  "above_plan",
  "allowance_spent",
  "key_cap",
  "upstream_refused",
  "upstream_busy",
  "upstream_unavailable",
  "directory_unknown",
];
const changing: readonly ProblemCode[] = ["not_found", "revoked", "upstream_refused", "upstream_unavailable"];

const at = (path: string) => path.replaceAll(/%7B|%7D/g, (brace) => decodeURIComponent(brace));

const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  [paths.health]: {
    get: { does: "Says whether the function is well", by: "anybody", gives: { 200: "Health", 503: "Health" } },
  },
  [paths.authStart]: {
    get: {
      does: "Begins a sign-in in the browser",
      by: "anybody",
      query: {
        code_challenge: { required: true, schema: text },
        code_challenge_method: { required: true, schema: { type: "string", enum: ["S256"] } },
        redirect_uri: { required: true, schema: text },
        state: { required: true, schema: text },
        prompt: { required: false, schema: { type: "string", enum: ["login"] } },
        max_age: { required: false, schema: text },
      },
      gives: { 302: "redirect" },
      refuses: ["invalid_request", "internal"],
    },
  },
  [paths.authCallback]: {
    get: {
      does: "Takes the browser back from the issuer",
      by: "anybody",
      gives: { 200: "page", 302: "redirect" },
      refuses: ["invalid_request", "forbidden", "offboarded", "identity_conflict"],
    },
  },
  [paths.authToken]: {
    post: {
      does: "Redeems the code of a sign-in for a session",
      by: "anybody",
      takes: "TokenRequest",
      gives: { 200: "TokenAnswer" },
      refuses: ["unauthorized", "offboarded"],
    },
  },
  [paths.authEntra]: {
    get: {
      does: "Says what to ask the editor's Microsoft account for, where that may sign in",
      by: "anybody",
      gives: { 200: "EntraAnswer" },
      refuses: ["not_found"],
    },
    post: {
      does: "Signs in with an access token of the editor's Microsoft account",
      by: "anybody",
      takes: "EntraTokenRequest",
      gives: { 200: "TokenAnswer" },
      refuses: ["unauthorized", "forbidden", "not_found", "offboarded", "identity_conflict"],
    },
  },
  [paths.session]: { delete: { does: "Signs out", by: "session", gives: { 204: "nothing" } } },
  [paths.sessions]: {
    get: { does: "Lists one's own sessions", by: "session", gives: { 200: "SessionsAnswer" } },
  },
  [at(paths.ownSession("{id}"))]: {
    delete: {
      does: "Ends one of one's own sessions",
      by: "session",
      gives: { 204: "nothing" },
      refuses: ["not_found"],
    },
  },
  [paths.me]: {
    get: { does: "Says who is asking and what they may have", by: "session", gives: { 200: "MeAnswer" } },
  },
  [paths.keys]: {
    get: { does: "Lists one's own keys", by: "session", gives: { 200: "KeysAnswer" } },
    post: {
      does: "Makes a key, once however often it is asked",
      by: "session",
      isRepeatable: true,
      takes: "CreateKeyRequest",
      gives: { 201: "CreateKeyAnswer" },
      refuses: making,
    },
  },
  [at(paths.key("{id}"))]: {
    patch: {
      does: "Renames, disables or enables one's own key",
      by: "session",
      takes: "PatchKeyRequest",
      gives: { 200: "Key" },
      refuses: [...changing, "reauth_required", "directory_unknown"],
    },
    delete: { does: "Deletes one's own key", by: "session", gives: { 204: "nothing" }, refuses: changing },
  },
  [at(paths.keyReceived("{id}"))]: {
    post: {
      does: "Says that the secret has arrived, so that its sealed copy is erased",
      by: "session",
      gives: { 204: "nothing" },
      refuses: ["not_found"],
    },
  },
  [at(paths.keyRotate("{id}"))]: {
    post: {
      does: "Makes a successor, while the key goes on working for a grace time",
      by: "session",
      isRepeatable: true,
      takes: "RotateKeyRequest",
      gives: { 201: "RotateKeyAnswer" },
      refuses: [...making, "not_found", "revoked"],
    },
  },
  [paths.raises]: {
    get: { does: "Lists one's own requests for more", by: "session", gives: { 200: "RaisesAnswer" } },
    post: {
      does: "Asks for more on a key, for a while",
      by: "session",
      takes: "RaiseRequest",
      gives: { 201: "Raise" },
      refuses: ["not_found", "conflict", "above_plan"],
    },
  },
  [paths.adminKeys]: {
    get: {
      does: "Lists and searches every key that the function has made",
      by: "admin",
      query: { ...filter, ...page },
      gives: { 200: "AdminKeysAnswer" },
    },
  },
  [paths.adminKeysCsv]: {
    get: { does: "Exports the keys", by: "admin", query: filter, gives: { 200: "csv" } },
  },
  [at(paths.adminKey("{id}"))]: {
    patch: {
      does: "Renames, disables or enables anybody's key",
      by: "admin",
      takes: "PatchKeyRequest",
      gives: { 200: "Key" },
      refuses: [...changing, "directory_unknown"],
    },
    delete: { does: "Deletes anybody's key", by: "admin", gives: { 204: "nothing" }, refuses: changing },
  },
  [paths.adminRaises]: {
    get: { does: "Lists the requests for more", by: "admin", query: page, gives: { 200: "AdminRaisesAnswer" } },
  },
  [at(paths.adminRaise("{id}"))]: {
    post: {
      does: "Decides about a request for more; nobody decides their own",
      by: "admin",
      takes: "DecideRaiseRequest",
      gives: { 200: "AdminRaise" },
      refuses: ["not_found", "conflict", "allowance_spent", "directory_unknown"],
    },
  },
  [paths.adminAudit]: {
    get: { does: "Reads the record", by: "admin", query: page, gives: { 200: "AuditAnswer" } },
  },
  [paths.adminIdentities]: {
    get: {
      does: "Lists accounts that came with somebody else's e-mail",
      by: "admin",
      query: { state: { required: false, schema: { type: "string", enum: ["waiting", "refused"] } } },
      gives: { 200: "IdentitiesAnswer" },
    },
  },
  [at(paths.adminIdentity("{id}"))]: {
    post: {
      does: "Decides whether two accounts are one person",
      by: "admin",
      takes: "IdentityDecision",
      gives: { 204: "nothing" },
      refuses: ["not_found", "conflict"],
    },
  },
  [paths.adminRuns]: {
    get: { does: "Lists the nightly runs", by: "admin", query: page, gives: { 200: "NightlyRunsAnswer" } },
  },
  [at(paths.adminRunApprove("{id}"))]: {
    post: {
      does: "Approves exactly the list that waits, by somebody who is not on it",
      by: "admin",
      takes: "ApproveRunRequest",
      gives: { 200: "NightlyRun" },
      refuses: ["not_found", "conflict"],
    },
  },
  [paths.cronNightly]: Object.fromEntries(
    ["get", "post"].map((method) => [
      method,
      { does: "Runs the nightly trigger", by: "cron", gives: { 200: "NightlySummary" } } satisfies Route,
    ]),
  ),
};

export function openApi(): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "OpenRouter Keys",
      version: "1",
      description: "One OpenRouter API key for each engineer, within a plan. Times are in UTC, money is in US dollars.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "https://keys.example.com", description: "PUBLIC_URL" }],
    paths: Object.fromEntries(
      Object.entries(routes).map(([path, methods]) => [
        path,
        {
          ...(path.includes("{id}") ? { parameters: [parameter("id", "path", { required: true, schema: text })] } : {}),
          ...Object.fromEntries(
            Object.entries(methods).map(([method, route]) => [method, operation(method, path, route)]),
          ),
        },
      ]),
    ),
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, toJsonSchema(schema)])),
      securitySchemes: {
        session: { type: "http", scheme: "bearer", description: "The sessionToken of a sign-in." },
        cron: { type: "http", scheme: "bearer", description: "CRON_SECRET." },
      },
    },
  };
}

function operation(method: string, path: string, route: Route): object {
  const { does, by, takes, gives } = route;
  const query = Object.entries(route.query ?? {}).map(([name, rest]) => parameter(name, "query", rest));
  const header = { required: true, schema: toJsonSchema(IdempotencyKey) };
  const words = path
    .split("/")
    .flatMap((word) => word.split("."))
    .filter((word) => /^[a-z]+$/.test(word));
  return {
    operationId: [method, ...words, ...(path.endsWith("{id}") ? ["one"] : [])].join("_"),
    summary: `${does}.`,
    security: by === "anybody" ? [] : [{ [by === "cron" ? "cron" : "session"]: [] }],
    ...(query.length > 0 || route.isRepeatable === true
      ? {
          parameters: [
            ...query,
            ...(route.isRepeatable === true ? [parameter(idempotencyHeader, "header", header)] : []),
          ],
        }
      : {}),
    ...(takes === undefined ? {} : { requestBody: { required: true, content: json(takes) } }),
    responses: {
      ...Object.fromEntries(Object.entries(gives).map(([status, what]) => [status, response(what)])),
      ...problems(route),
    },
  };
}

function parameter(name: string, place: string, rest: { readonly required: boolean; readonly schema: object }): object {
  return { name, in: place, ...rest };
}

const headers = { "X-Request-Id": { description: "In the log under the same id.", schema: text } };

function response(what: Route["gives"][number]): object {
  switch (what) {
    case "nothing":
      return { description: "Done.", headers };
    case "redirect":
      return { description: "The browser goes on.", headers: { ...headers, Location: { schema: text } } };
    case "page":
      return { description: "A page for the person.", headers, content: { "text/html": { schema: text } } };
    case "csv":
      return { description: "A table.", headers, content: { "text/csv": { schema: text } } };
    default:
      return { description: "Done.", headers, content: json(what) };
  }
}

/** What any route with a session or a body may answer, and what only this one may, by status. */
function problems({ by, takes, gives, refuses = [] }: Route): object {
  const codes = new Set<ProblemCode>([
    ...refuses,
    ...(takes === undefined ? [] : (["invalid_request", "too_large"] as const)),
    ...(by === "anybody" ? [] : (["unauthorized"] as const)),
    ...(by === "admin" ? (["forbidden", "reauth_required"] as const) : []),
    "rate_limited",
    "internal",
    "database_unavailable",
  ]);
  const statuses = new Map<number, ProblemCode[]>();
  for (const code of codes) {
    const status = problemStatuses[code];
    if (gives[status] === undefined) statuses.set(status, [...(statuses.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...statuses].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\``).join(", "),
        headers:
          status === 429 || status === 503 ? { ...headers, "Retry-After": { schema: { type: "integer" } } } : headers,
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    ]),
  );
}

function json(name: SchemaName): object {
  return { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } };
}

function toJsonSchema(schema: z.ZodMiniType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    // What is on the wire, before anything is trimmed or read as "unknown".
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema === Time) jsonSchema.format = "date-time";
    },
  });
  return rest;
}

if (import.meta.main) {
  await mkdir("dist", { recursive: true });
  await writeFile("dist/openapi.json", `${JSON.stringify(openApi(), null, 2)}\n`);
}
