import assert from "node:assert/strict";

import { OpenRouter } from "@openrouter/sdk";
import { BulkAssignKeysResponse$inboundSchema } from "@openrouter/sdk/models/bulkassignkeysresponse.js";
import { BulkUnassignKeysResponse$inboundSchema } from "@openrouter/sdk/models/bulkunassignkeysresponse.js";
import { ChatResult$inboundSchema } from "@openrouter/sdk/models/chatresult.js";
import { CreateGuardrailResponse$inboundSchema } from "@openrouter/sdk/models/createguardrailresponse.js";
import { CreateWorkspaceResponse$inboundSchema } from "@openrouter/sdk/models/createworkspaceresponse.js";
import {
  BadGatewayResponseError$inboundSchema,
  BadRequestResponseError$inboundSchema,
  ForbiddenResponseError$inboundSchema,
  InternalServerResponseError$inboundSchema,
  NotFoundResponseError$inboundSchema,
  PaymentRequiredResponseError$inboundSchema,
  ProviderOverloadedResponseError$inboundSchema,
  ServiceUnavailableResponseError$inboundSchema,
  TooManyRequestsResponseError$inboundSchema,
  UnauthorizedResponseError$inboundSchema,
} from "@openrouter/sdk/models/errors";
import { GetGuardrailResponse$inboundSchema } from "@openrouter/sdk/models/getguardrailresponse.js";
import { GetWorkspaceResponse$inboundSchema } from "@openrouter/sdk/models/getworkspaceresponse.js";
import { ListGuardrailsResponse$inboundSchema } from "@openrouter/sdk/models/listguardrailsresponse.js";
import { ListKeyAssignmentsResponse$inboundSchema } from "@openrouter/sdk/models/listkeyassignmentsresponse.js";
import { ListWorkspacesResponse$inboundSchema } from "@openrouter/sdk/models/listworkspacesresponse.js";
import { ModelsListResponse$inboundSchema } from "@openrouter/sdk/models/modelslistresponse.js";
import { OpenResponsesResult$inboundSchema } from "@openrouter/sdk/models/openresponsesresult.js";
import { CreateKeysResponse$inboundSchema } from "@openrouter/sdk/models/operations/createkeys.js";
import { DeleteKeysResponse$inboundSchema } from "@openrouter/sdk/models/operations/deletekeys.js";
import { GetCreditsResponse$inboundSchema } from "@openrouter/sdk/models/operations/getcredits.js";
import { GetCurrentKeyResponse$inboundSchema } from "@openrouter/sdk/models/operations/getcurrentkey.js";
import { GetKeyResponse$inboundSchema } from "@openrouter/sdk/models/operations/getkey.js";
import { ListResponse$inboundSchema } from "@openrouter/sdk/models/operations/list.js";
import { UpdateKeysResponse$inboundSchema } from "@openrouter/sdk/models/operations/updatekeys.js";
import * as z from "zod/mini";

import { callsAs, makeKey } from "./calls.ts";
import { startOpenRouter } from "./stand-in.ts";
import type { OpenRouterStandIn } from "./stand-in.ts";

/** The part of the SDK's schemas that is needed here. */
interface Schema {
  readonly parse: (body: unknown) => unknown;
}

describe("OpenRouter's own SDK and the stand-in", () => {
  let standIn: OpenRouterStandIn;
  beforeEach(async () => {
    standIn = await startOpenRouter();
  });
  afterEach(() => standIn.stop());
  const manage = () => callsAs(standIn, standIn.managementKey);
  const limited = { limit: 10, limit_reset: "weekly", expires_at: "2099-12-31T23:59:59Z" };
  const Id = z.object({ data: z.object({ id: z.string() }) });

  it("agree on every answer about keys, also with the fields that nobody knows", async () => {
    for (const addUnknownFields of [false, true]) {
      standIn.faults.turn({ addUnknownFields });
      const { hash } = await makeKey(standIn);
      await agrees(CreateKeysResponse$inboundSchema, manage()("POST", "/keys", { name: "bob", ...limited }), 201);
      await agrees(ListResponse$inboundSchema, manage()("GET", "/keys"));
      await agrees(GetKeyResponse$inboundSchema, manage()("GET", `/keys/${hash}`));
      await agrees(UpdateKeysResponse$inboundSchema, manage()("PATCH", `/keys/${hash}`, { limit: 3 }));
      await agrees(DeleteKeysResponse$inboundSchema, manage()("DELETE", `/keys/${hash}`));
    }
  });

  it("agree on what a key is told about itself, its credits and its models", async () => {
    const { secret } = await makeKey(standIn, limited);
    for (const credential of [standIn.managementKey, secret]) {
      const call = callsAs(standIn, credential);
      await agrees(GetCurrentKeyResponse$inboundSchema, call("GET", "/key"));
      await agrees(GetCurrentKeyResponse$inboundSchema, call("GET", "/auth/key"));
      await agrees(GetCreditsResponse$inboundSchema, call("GET", "/credits"));
      await agrees(ModelsListResponse$inboundSchema, call("GET", "/models/user"));
    }
    await agrees(ModelsListResponse$inboundSchema, callsAs(standIn, null)("GET", "/models?client_version=0.169.0"));
    await agrees(ModelsListResponse$inboundSchema, callsAs(standIn, null)("GET", "/models?limit=2"));
  });

  it("agree on workspaces, guardrails and assignments", async () => {
    const { hash } = await makeKey(standIn);
    const key_hashes = [hash];
    const workspace = manage()("POST", "/workspaces", { name: "Lab", slug: "lab" });
    await agrees(CreateWorkspaceResponse$inboundSchema, workspace, 201);
    await agrees(ListWorkspacesResponse$inboundSchema, manage()("GET", "/workspaces"));
    await agrees(GetWorkspaceResponse$inboundSchema, manage()("GET", "/workspaces/lab"));
    const guardrail = manage()("POST", "/guardrails", { name: "a", limit_usd: 5, reset_interval: "daily" });
    await agrees(CreateGuardrailResponse$inboundSchema, guardrail, 201);
    const path = `/guardrails/${Id.parse((await guardrail).body).data.id}`;
    await agrees(ListGuardrailsResponse$inboundSchema, manage()("GET", "/guardrails?offset=0&limit=50"));
    await agrees(GetGuardrailResponse$inboundSchema, manage()("GET", path));
    const assigned = manage()("POST", `${path}/assignments/keys`, { key_hashes });
    await agrees(BulkAssignKeysResponse$inboundSchema, assigned);
    await agrees(ListKeyAssignmentsResponse$inboundSchema, manage()("GET", `${path}/assignments/keys`));
    await agrees(ListKeyAssignmentsResponse$inboundSchema, manage()("GET", "/guardrails/assignments/keys"));
    const removed = manage()("POST", `${path}/assignments/keys/remove`, { key_hashes });
    await agrees(BulkUnassignKeysResponse$inboundSchema, removed);
    assert.deepEqual([(await assigned).body, (await removed).body], [{ assigned_count: 1 }, { unassigned_count: 1 }]);
  });

  it("agree on what models answer", async () => {
    const { secret } = await makeKey(standIn);
    const call = callsAs(standIn, secret);
    const body = { model: "~openai/gpt-latest", messages: [{ role: "user", content: "say pong" }] };
    await agrees(ChatResult$inboundSchema, call("POST", "/chat/completions", body));
    standIn.faults.turn({ toolCall: { name: "weather", json: "{}" } });
    const tools = [{ type: "function", function: { name: "weather", parameters: {} } }];
    const called = call("POST", "/chat/completions", { ...body, tools });
    await agrees(ChatResult$inboundSchema, called);
    assert.match(JSON.stringify((await called).body), /"tool_calls":\[\{"id":"call_1"/);
    await agrees(OpenResponsesResult$inboundSchema, call("POST", "/responses", { model: body.model, input: "hi" }));
  });

  const refusals = [
    [400, BadRequestResponseError$inboundSchema, "management", "POST", "/keys", {}],
    [400, BadRequestResponseError$inboundSchema, "management", "POST", "/guardrails", { name: "a", limit_usd: 5 }],
    [400, BadRequestResponseError$inboundSchema, "key", "POST", "/responses", { input: "hi", store: true }],
    [401, UnauthorizedResponseError$inboundSchema, null, "GET", "/keys", undefined],
    [401, UnauthorizedResponseError$inboundSchema, "nobody", "GET", "/key", undefined],
    [402, PaymentRequiredResponseError$inboundSchema, "key", "POST", "/chat/completions", { max_tokens: 10_000_000 }],
    [403, ForbiddenResponseError$inboundSchema, "key", "POST", "/keys", { name: "a" }],
    [403, ForbiddenResponseError$inboundSchema, "spent key", "POST", "/chat/completions", {}],
    [404, NotFoundResponseError$inboundSchema, "management", "GET", "/keys/none", undefined],
    [404, NotFoundResponseError$inboundSchema, "management", "GET", "/nothing/here", undefined],
  ] as const;
  for (const [status, schema, credential, method, path, body] of refusals) {
    it(`agree on ${status} for ${method} ${path} by ${credential ?? "no key"}`, async () => {
      const key = await makeKey(standIn, limited);
      const spent = await makeKey(standIn, limited);
      standIn.spend(spent.hash, 10);
      const secrets = { management: standIn.managementKey, key: key.secret, "spent key": spent.secret, nobody: "none" };
      const call = callsAs(standIn, credential === null ? null : secrets[credential]);
      await agrees(refused(schema), call(method, path, body), status);
    });
  }

  const failures = [
    [500, InternalServerResponseError$inboundSchema],
    [502, BadGatewayResponseError$inboundSchema],
    [503, ServiceUnavailableResponseError$inboundSchema],
    [529, ProviderOverloadedResponseError$inboundSchema],
  ] as const;
  for (const [status, schema] of failures) {
    it(`agree on ${status}`, async () => {
      standIn.faults.add({ path: "/keys", fault: { kind: "status", status, when: "before" } });
      await agrees(refused(schema), manage()("GET", "/keys"), status);
    });
  }

  it("agree on 429", async () => {
    standIn.faults.add({ path: "/keys", fault: { kind: "rate-limit" } });
    await agrees(refused(TooManyRequestsResponseError$inboundSchema), manage()("GET", "/keys"), 429);
  });

  it("get along for the whole life of a key", async () => {
    const manager = new OpenRouter({ apiKey: standIn.managementKey, serverURL: standIn.apiUrl });
    const expiresAt = new Date("2099-12-31T23:59:59.500Z");
    const { data, key } = await manager.apiKeys.create({
      requestBody: { name: "alice", limit: 1, limitReset: "monthly", expiresAt },
    });
    const holder = new OpenRouter({ apiKey: key, serverURL: standIn.apiUrl });
    const chat = await holder.chat.send({
      chatRequest: { model: "openai/gpt-5-mini", messages: [{ role: "user", content: "say pong" }] },
    });
    const own = await holder.apiKeys.getCurrentKeyMetadata();
    const changed = await manager.apiKeys.update({ hash: data.hash, requestBody: { disabled: true } });
    const listed = await manager.apiKeys.list({ includeDisabled: true });
    const got = await manager.apiKeys.get({ hash: data.hash });
    const deleted = await manager.apiKeys.delete({ hash: data.hash });
    assert.deepEqual(
      {
        said: "choices" in chat ? chat.choices[0]?.message.content : chat,
        own: [own.data.usage, own.data.limitRemaining, own.data.expiresAt, own.data.isManagementKey],
        disabled: changed.data.disabled,
        listed: JSON.stringify(listed).includes(data.hash),
        got: got.data.name,
        deleted: deleted.deleted,
        left: standIn.keys(),
      },
      {
        said: "pong",
        own: [0.25, 0.75, expiresAt, false],
        disabled: true,
        listed: true,
        got: "alice",
        deleted: true,
        left: [],
      },
    );
  });

  it("get along in streams, and each stream is charged", async () => {
    const { secret } = await makeKey(standIn);
    const holder = new OpenRouter({ apiKey: secret, serverURL: standIn.apiUrl });
    const model = "~openai/gpt-latest";
    const chat = await holder.chat.send({
      chatRequest: { model, messages: [{ role: "user", content: "say pong" }], stream: true },
    });
    assert.ok(chat instanceof ReadableStream);
    let said = "";
    let cost: number | null | undefined;
    for await (const chunk of chat) {
      said += chunk.choices[0]?.delta.content ?? "";
      cost = chunk.usage?.cost;
    }

    const responses = await holder.responses.send({ responsesRequest: { model, input: "say pong", stream: true } });
    assert.ok(responses instanceof ReadableStream);
    let answered = "";
    const kinds = [];
    for await (const event of responses) {
      kinds.push(event.type);
      if (event.type === "response.output_text.delta") answered += event.delta;
    }
    assert.deepEqual(
      { said, cost, answered, first: kinds[0], last: kinds.at(-1), usage: standIn.keys()[0]?.usage },
      {
        said: "pong",
        cost: 0.25,
        answered: "pong",
        first: "response.created",
        last: "response.completed",
        usage: 0.5,
      },
    );
  });
});

/** The call was answered with this status, and the SDK's schema takes the body. */
async function agrees(schema: Schema, called: Promise<{ status: number; body: unknown }>, status = 200): Promise<void> {
  const answered = await called;
  assert.equal(answered.status, status, JSON.stringify(answered.body));
  assert.doesNotThrow(() => schema.parse(answered.body));
}

/** The SDK's error schemas also want the request and answer that it came in. */
function refused(schema: Schema): Schema {
  const met = { request$: new Request("http://127.0.0.1/"), response$: new Response(), body$: "" };
  return { parse: (body) => schema.parse({ ...z.looseObject({}).parse(body), ...met }) };
}
