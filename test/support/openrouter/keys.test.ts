import assert from "node:assert/strict";

import * as z from "zod/mini";

import { sha256 } from "./account.ts";
import { callsAs, infer, makeKey } from "./calls.ts";
import { startOpenRouter } from "./stand-in.ts";
import type { OpenRouterStandIn } from "./stand-in.ts";

const now = new Date("2026-11-24T10:00:00Z");
const Page = z.object({ data: z.array(z.object({ hash: z.string(), name: z.string() })) });

describe("managing keys at the stand-in for OpenRouter", () => {
  let standIn: OpenRouterStandIn;
  beforeEach(async () => {
    standIn = await startOpenRouter({ clock: () => now });
  });
  afterEach(() => standIn.stop());
  const manage = () => callsAs(standIn, standIn.managementKey);

  it("creates a key whose id is the hash of its secret", async () => {
    const { status, body } = await manage()("POST", "/keys/", {
      name: "alice",
      limit: 50,
      limit_reset: "monthly",
      expires_at: "2027-12-31T23:59:59.000Z",
      include_byok_in_limit: true,
      external: { user: "partner-user-123" },
      disabled: true,
      unheard_of: 1,
    });
    const { key: secret, data } = z.object({ key: z.string(), data: z.looseObject({}) }).parse(body);
    assert.match(secret, /^sk-or-v1-[0-9a-f]{64}$/);
    assert.deepEqual(
      [status, data],
      [
        201,
        {
          hash: sha256(secret),
          name: "alice",
          label: `sk-or-v1-${secret.slice(9, 12)}...${secret.slice(-4)}`,
          disabled: false,
          limit: 50,
          limit_remaining: 50,
          limit_reset: "monthly",
          include_byok_in_limit: true,
          usage: 0,
          usage_daily: 0,
          usage_weekly: 0,
          usage_monthly: 0,
          byok_usage: 0,
          byok_usage_daily: 0,
          byok_usage_weekly: 0,
          byok_usage_monthly: 0,
          created_at: "2026-11-24T10:00:00.000000+00:00",
          updated_at: null,
          expires_at: "2027-12-31T23:59:59Z",
          creator_user_id: null,
          workspace_id: standIn.keys()[0]?.workspace_id,
          external_user: "partner-user-123",
        },
      ],
    );
    assert.deepEqual(standIn.keys(), [data]);
  });

  const refusedCreates = [
    ["no name", {}],
    ["an empty name", { name: "" }],
    ["a limit that is no number", { name: "a", limit: "50" }],
    ["an unknown reset", { name: "a", limit_reset: "yearly" }],
    ["an expiry to the minute", { name: "a", expires_at: "2027-12-31T23:59Z" }],
    ["an expiry outside UTC", { name: "a", expires_at: "2027-12-31T23:59:59+01:00" }],
    ["an expiry on a day that does not exist", { name: "a", expires_at: "2027-02-30T00:00:00Z" }],
    ["a workspace that does not exist", { name: "a", workspace_id: "0df9e665-d932-4740-b2c7-b52af166bc11" }],
  ] as const;
  for (const [what, body] of refusedCreates) {
    it(`refuses to create a key with ${what}, and creates none`, async () => {
      const refused = await manage()("POST", "/keys", body);
      assert.deepEqual(
        [refused.status, refused.body, standIn.keys()],
        [400, { error: { message: "Invalid request parameters", code: 400 } }, []],
      );
    });
  }

  it("changes what may be changed and nothing else, keeping what the key has spent", async () => {
    const { hash, secret } = await makeKey(standIn, { limit: 100, limit_reset: "monthly" });
    const before = standIn.keys()[0];
    standIn.spend(hash, 25.5);
    standIn.advance(1000);
    const { status, body } = await manage()("PATCH", `/keys/${hash}`, {
      name: "bob",
      limit: 75,
      disabled: true,
      expires_at: "2027-01-01T00:00:00Z",
      workspace_id: "0df9e665-d932-4740-b2c7-b52af166bc11",
    });
    const spent = { usage: 25.5, usage_daily: 25.5, usage_weekly: 25.5, usage_monthly: 25.5 };
    assert.deepEqual(
      [status, body],
      [
        200,
        {
          data: {
            ...before,
            ...spent,
            name: "bob",
            limit: 75,
            limit_remaining: 49.5,
            disabled: true,
            updated_at: "2026-11-24T10:00:01.000000+00:00",
          },
        },
      ],
    );
    assert.equal((await infer(standIn, secret))[0], 401);
  });

  it("takes a limit away with null, and leaves it alone when it is not named", async () => {
    const { hash } = await makeKey(standIn, { limit: 100, limit_reset: "daily" });
    await manage()("PATCH", `/keys/${hash}`, { name: "bob" });
    const kept = standIn.keys()[0];
    await manage()("PATCH", `/keys/${hash}`, { limit: null, limit_reset: null });
    const lifted = standIn.keys()[0];
    assert.deepEqual(
      [kept?.limit, kept?.limit_reset, lifted?.limit, lifted?.limit_reset, lifted?.limit_remaining],
      [100, "daily", null, null, null],
    );
  });

  it("refuses a change it does not understand, and changes nothing", async () => {
    const { hash } = await makeKey(standIn, { limit: 100 });
    const before = standIn.keys();
    const refused = await manage()("PATCH", `/keys/${hash}`, { name: "bob", limit_reset: "hourly" });
    assert.deepEqual([refused.status, standIn.keys()], [400, before]);
  });

  it("deletes a key once: after that nobody finds it and it opens nothing", async () => {
    const { hash, secret } = await makeKey(standIn);
    const first = await manage()("DELETE", `/keys/${hash}`);
    const after = [];
    for (const method of ["DELETE", "GET", "PATCH"]) {
      const { status, body } = await manage()(method, `/keys/${hash}`, method === "PATCH" ? {} : undefined);
      after.push([status, body]);
    }
    const gone = [404, { error: { message: "Resource not found", code: 404 } }];
    assert.deepEqual([first.status, first.body, after], [200, { deleted: true }, [gone, gone, gone]]);
    assert.deepEqual([standIn.keys(), await infer(standIn, secret)], [[], [401, "User not found."]]);
  });

  it("lists 250 keys in pages of 100, newest first", async () => {
    for (let n = 0; n < 250; n++) await makeKey(standIn, { name: `key ${n}` });
    const pages = [];
    for (const offset of [0, 100, 200, 250]) {
      const { body } = await manage()("GET", `/keys?offset=${offset}`);
      pages.push(Page.parse(body).data.map(({ name }) => name));
    }
    const newestFirst = Array.from({ length: 250 }, (_, n) => `key ${249 - n}`);
    assert.deepEqual(pages, [newestFirst.slice(0, 100), newestFirst.slice(100, 200), newestFirst.slice(200), []]);
  });

  it("lists disabled keys and other workspaces' keys only when asked", async () => {
    const workspace = await manage()("POST", "/workspaces", { name: "Lab", slug: "lab" });
    const { id } = z.object({ data: z.object({ id: z.string() }) }).parse(workspace.body).data;
    const { hash } = await makeKey(standIn, { name: "disabled" });
    await manage()("PATCH", `/keys/${hash}`, { disabled: true });
    const elsewhere = await makeKey(standIn, { name: "elsewhere", workspace_id: id });
    await makeKey(standIn, { name: "plain" });

    const names = async (query: string) => {
      const { body } = await manage()("GET", `/keys${query}`);
      return Page.parse(body).data.map(({ name }) => name);
    };
    const byHash = await manage()("GET", `/keys/${elsewhere.hash}`);
    assert.deepEqual(
      [await names(""), await names("?include_disabled=true"), await names(`?workspace_id=${id}`), byHash.status],
      [["plain"], ["plain", "disabled"], ["elsewhere"], 200],
    );
  });

  it("refuses a list it does not understand", async () => {
    const statuses = [];
    for (const query of ["?offset=-1", "?offset=x", "?include_disabled=yes", "?workspace_id=lab"]) {
      statuses.push((await manage()("GET", `/keys${query}`)).status);
    }
    assert.deepEqual(statuses, [400, 400, 400, 400]);
  });

  it("lets only the management key manage, and says why not", async () => {
    const { hash, secret } = await makeKey(standIn);
    const disabled = await makeKey(standIn);
    await manage()("PATCH", `/keys/${disabled.hash}`, { disabled: true });
    const answers = [];
    for (const credential of [null, "sk-or-v1-nobody", secret, disabled.secret]) {
      const { status, body } = await callsAs(standIn, credential)("DELETE", `/keys/${hash}`);
      answers.push([status, z.object({ error: z.object({ message: z.string() }) }).parse(body).error.message]);
    }
    assert.deepEqual(answers, [
      [401, "Missing Authentication header"],
      [401, "User not found."],
      [403, "Only management keys can perform this operation"],
      [401, "This API key is disabled"],
    ]);
    assert.equal(standIn.keys().length, 2);
  });

  it("tells the management key the account's credits, and any other key zeros", async () => {
    const { hash, secret } = await makeKey(standIn);
    standIn.spend(hash, 25.75);
    const answers = [];
    for (const credential of [standIn.managementKey, secret]) {
      const { status, body } = await callsAs(standIn, credential)("GET", "/credits");
      answers.push([status, body]);
    }
    assert.deepEqual(answers, [
      [200, { data: { total_credits: 10_000, total_usage: 25.75 } }],
      [200, { data: { total_credits: 0, total_usage: 0 } }],
    ]);
  });

  it("records who asked for what, and no secret", async () => {
    const { hash, secret } = await makeKey(standIn, { name: "carol" });
    await callsAs(standIn, secret)("GET", "/key", undefined, { headers: { "user-agent": "curl/8" } });
    await callsAs(standIn, null)("POST", "/messages", { prompt: "private" }, { headers: { "x-api-key": secret } });
    await callsAs(standIn, "guess")("GET", "/keys?offset=0");
    const seen = standIn.requests.map((request) => ({ ...request, userAgent: "any" }));
    const noChat = { chat: null, brokenOff: false };
    const management = sha256(standIn.managementKey);
    assert.deepEqual(seen, [
      {
        ...noChat,
        method: "POST",
        path: "/api/v1/keys",
        query: {},
        credential: "management",
        authorization: management,
        xApiKey: null,
        userAgent: "any",
        body: { name: "carol" },
        status: 201,
      },
      {
        ...noChat,
        method: "GET",
        path: "/api/v1/key",
        query: {},
        credential: hash,
        authorization: hash,
        xApiKey: null,
        userAgent: "any",
        body: null,
        status: 200,
      },
      {
        ...noChat,
        method: "POST",
        path: "/api/v1/messages",
        query: {},
        credential: hash,
        authorization: null,
        xApiKey: hash,
        userAgent: "any",
        body: null,
        status: 200,
      },
      {
        ...noChat,
        method: "GET",
        path: "/api/v1/keys",
        query: { offset: "0" },
        credential: "unknown",
        authorization: sha256("guess"),
        xApiKey: null,
        userAgent: "any",
        body: null,
        status: 401,
      },
    ]);
    assert.equal(standIn.requests[1]?.userAgent, "curl/8");
    assert.equal(JSON.stringify([standIn.requests, standIn.keys()]).includes(secret), false);
  });
});
