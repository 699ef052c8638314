import assert from "node:assert/strict";

import { asServiceError } from "../../../functions/http/problems.ts";
import { scimRoutes } from "../../../functions/http/scim.ts";
import type { ScimDeps } from "../../../functions/services/change-scim-user.ts";
import type { ScimStore } from "../../../functions/services/scim-store.ts";
import { createMemoryScimStore } from "../../support/memory-scim-store.ts";

const token = "planted-scim-token-of-forty-characters!!";
const base = "https://keys.example.com/scim/v2";
const userSchema = "urn:ietf:params:scim:schemas:core:2.0:User";
const patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const listSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const nowhere = "00000000-0000-4000-8000-000000000000";

function createHarness(overrides: { readonly token?: string | undefined; readonly store?: Partial<ScimStore> } = {}) {
  const memory = createMemoryScimStore();
  const deactivated: string[] = [];
  let now = Date.parse("2026-11-25T02:00:00Z");
  const deps: ScimDeps = {
    store: { ...memory, ...overrides.store },
    clock: () => now,
    deactivated: async ({ user }) => void deactivated.push(user.userName),
  };
  const app = scimRoutes(deps, {
    base,
    tokens: "token" in overrides ? [overrides.token ?? []].flat() : [token],
    asServiceError: (error) => asServiceError(error, () => false),
  });
  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await app.request(path, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json", ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const answer: unknown = text === "" ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: answer, text };
  }
  async function create(userName: string, fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { headers } = await send("POST", "/Users", { schemas: [userSchema], userName, active: true, ...fields });
    return headers.get("Location")?.split("/").at(-1) ?? "";
  }
  const activeOf = (id: string) => memory.records.get(id)?.user.active;
  return { send, create, activeOf, deactivated, memory, advance: (milliseconds: number) => (now += milliseconds) };
}

/** The parts of an answer that a replay is about. */
function pick(body: unknown, ...names: readonly string[]): Record<string, unknown> {
  return typeof body === "object" && body !== null
    ? Object.fromEntries(Object.entries(body).filter(([name]) => names.includes(name)))
    : {};
}

describe("SCIM, as Okta speaks it", () => {
  it("tests the connection, creates, updates, deactivates, finds and brings back", async () => {
    const { send, activeOf, deactivated } = createHarness();
    const test = await send("GET", "/Users?startIndex=1&count=2");
    const search = await send(
      "GET",
      `/Users?filter=${encodeURIComponent('userName eq "ada@example.com"')}&startIndex=1&count=100`,
    );
    const created = await send("POST", "/Users", {
      schemas: [userSchema],
      userName: "ada@example.com",
      name: { givenName: "Ada", familyName: "Lovelace" },
      emails: [{ primary: true, value: "ada@example.com", type: "work" }],
      displayName: "Ada Lovelace",
      locale: "en-US",
      externalId: "00u1",
      groups: [],
      password: "planted-password",
      active: true,
    });
    const id = created.headers.get("Location")?.split("/").at(-1) ?? "";
    const put = await send("PUT", `/Users/${id}`, {
      schemas: [userSchema],
      id,
      userName: "ada@example.com",
      name: { givenName: "Ada", familyName: "King" },
      emails: [{ primary: true, value: "ada@example.com", type: "work" }],
      externalId: "00u1",
      active: true,
      meta: { resourceType: "User" },
    });
    const deactivate = await send("PATCH", `/Users/${id}`, {
      schemas: [patchSchema],
      Operations: [{ op: "replace", value: { active: false } }],
    });
    const afterwards = await send("GET", `/Users/${id}`);
    const found = await send("GET", `/Users?filter=${encodeURIComponent('userName eq "ADA@example.com"')}`);
    const back = await send("PUT", `/Users/${id}`, {
      schemas: [userSchema],
      userName: "ada@example.com",
      active: true,
    });
    const name = { givenName: "Ada", familyName: "Lovelace" };
    assert.deepStrictEqual(
      {
        test: [test.status, test.body],
        search: [search.status, pick(search.body, "totalResults", "Resources")],
        created: [created.status, created.headers.get("Content-Type"), created.body],
        put: [put.status, pick(put.body, "name", "active")],
        deactivate: [deactivate.status, pick(deactivate.body, "id", "active")],
        afterwards: [afterwards.status, pick(afterwards.body, "active")],
        found: pick(found.body, "totalResults"),
        back: [back.status, activeOf(id)],
        deactivated,
        repeatsPassword: created.text.includes("planted"),
      },
      {
        test: [200, { schemas: [listSchema], totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] }],
        search: [200, { totalResults: 0, Resources: [] }],
        created: [
          201,
          "application/scim+json; charset=utf-8",
          {
            schemas: [userSchema],
            id,
            userName: "ada@example.com",
            externalId: "00u1",
            active: true,
            displayName: "Ada Lovelace",
            name,
            emails: [{ value: "ada@example.com", type: "work", primary: true }],
            meta: {
              resourceType: "User",
              created: "2026-11-25T02:00:00.000Z",
              lastModified: "2026-11-25T02:00:00.000Z",
              location: `${base}/Users/${id}`,
              version: 'W/"1"',
            },
          },
        ],
        put: [200, { name: { ...name, familyName: "King" }, active: true }],
        deactivate: [200, { id, active: false }],
        afterwards: [200, { active: false }],
        found: { totalResults: 1 },
        back: [200, true],
        deactivated: ["ada@example.com"],
        repeatsPassword: false,
      },
    );
  });
});

describe("SCIM, as Entra speaks it", () => {
  it("tests the connection, creates, updates, deactivates in both dialects and deletes", async () => {
    const { send, activeOf, deactivated } = createHarness();
    const probe = await send("GET", `/Users?filter=${encodeURIComponent(`userName eq "${nowhere}"`)}`);
    const created = await send("POST", "/Users", {
      schemas: [userSchema, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
      externalId: "oid-1",
      userName: "grace@example.com",
      active: true,
      displayName: "Grace Hopper",
      emails: [{ primary: true, type: "work", value: "grace@example.com" }],
      meta: { resourceType: "User" },
      name: { formatted: "Grace Hopper", familyName: "Hopper", givenName: "Grace" },
      roles: [],
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { department: "Navy" },
    });
    const id = created.headers.get("Location")?.split("/").at(-1) ?? "";
    const patch = (...operations: readonly unknown[]) =>
      send("PATCH", `/Users/${id}`, { schemas: [patchSchema], Operations: operations });
    const update = await patch(
      { op: "Replace", path: 'emails[type eq "work"].value', value: "g.hopper@example.com" },
      { op: "Replace", path: "name.familyName", value: "Murray" },
      { op: "Add", path: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", value: "Yale" },
    );
    const states = [];
    for (const value of ["False", "True", false, true]) {
      await patch({ op: "Replace", path: "active", value });
      states.push(activeOf(id));
    }
    const deleted = await send("DELETE", `/Users/${id}`);
    const again = await send("DELETE", `/Users/${id}`);
    const afterwards = await send("GET", `/Users/${id}`);
    assert.deepStrictEqual(
      {
        probe: [probe.status, pick(probe.body, "totalResults")],
        created: created.status,
        update: [update.status, pick(update.body, "name", "emails")],
        states,
        deleted: [deleted.status, deleted.text, again.status],
        afterwards: [afterwards.status, pick(afterwards.body, "active", "externalId")],
        deactivated: deactivated.length,
      },
      {
        probe: [200, { totalResults: 0 }],
        created: 201,
        update: [
          200,
          {
            name: { givenName: "Grace", familyName: "Murray" },
            emails: [{ value: "g.hopper@example.com", type: "work", primary: true }],
          },
        ],
        states: [false, true, false, true],
        deleted: [204, "", 204],
        afterwards: [200, { active: false, externalId: "oid-1" }],
        deactivated: 4,
      },
    );
  });
});

describe("SCIM", () => {
  const secrets: Readonly<Record<string, string | undefined>> = { unset: undefined, short: "x".repeat(31), empty: "" };
  for (const [name, set] of Object.entries(secrets)) {
    it(`refuses everybody when the token is ${name}`, async () => {
      const { send, memory } = createHarness({ token: set });
      for (const header of ["Bearer undefined", "Bearer ", `Bearer ${set ?? ""}`, `Bearer ${token}`, ""]) {
        const { status } = await send("POST", "/Users", { userName: "a" }, { Authorization: header });
        assert.equal(status, 401, header);
      }
      assert.equal(memory.records.size, 0);
    });
  }

  it("refuses every wrong bearer before it does anything, in SCIM's words", async () => {
    const { send, memory } = createHarness();
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      "Bearer undefined",
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${btoa(`scim:${token}`)}`,
      token,
    ];
    for (const header of wrong) {
      const { status, body, headers } = await send("POST", "/Users", { userName: "a" }, { Authorization: header });
      assert.deepStrictEqual(
        [status, headers.get("WWW-Authenticate"), headers.get("Content-Type"), body],
        [
          401,
          "Bearer",
          "application/scim+json; charset=utf-8",
          {
            schemas: ["urn:ietf:params:scim:api:messages:2.0:Error"],
            status: "401",
            detail: "The bearer token is missing or not the one set here.",
          },
        ],
      );
    }
    assert.equal((await send("GET", "/nothing", undefined, { Authorization: "Bearer x" })).status, 401);
    assert.equal((await send("GET", "/Users", undefined, { Authorization: `bearer ${token}` })).status, 200);
    assert.equal(memory.records.size, 0);
  });

  it("refuses an active that is neither true nor false, and changes nothing", async () => {
    const { send, create, activeOf, deactivated } = createHarness();
    const id = await create("ada@example.com");
    for (const value of ["no", 0, null, "", [], {}, "falsee"]) {
      const { status, body } = await send("PATCH", `/Users/${id}`, {
        schemas: [patchSchema],
        Operations: [{ op: "replace", path: "active", value }],
      });
      assert.deepStrictEqual(
        [status, pick(body, "scimType", "status")],
        [400, { scimType: "invalidValue", status: "400" }],
      );
      assert.equal((await send("PUT", `/Users/${id}`, { userName: "ada@example.com", active: value })).status, 400);
    }
    assert.deepStrictEqual([activeOf(id), deactivated], [true, []]);
  });

  it("knows each user name once, whatever its case", async () => {
    const { send, create } = createHarness();
    await create("ada@example.com");
    const other = await create("grace@example.com");
    const created = await send("POST", "/Users", { userName: "ADA@example.com" });
    const renamed = await send("PUT", `/Users/${other}`, { userName: "Ada@example.com" });
    assert.deepStrictEqual(
      [created, renamed].map(({ status, body }) => [status, pick(body, "scimType")]),
      [
        [409, { scimType: "uniqueness" }],
        [409, { scimType: "uniqueness" }],
      ],
    );
  });

  it("answers pages, and finds by what providers ask for", async () => {
    const { send, create } = createHarness();
    for (let number = 1; number <= 5; number += 1) await create(`p${number}@example.com`, { externalId: `X${number}` });
    const page = await send("GET", "/Users?startIndex=4&count=10");
    const none = await send("GET", "/Users?startIndex=4&count=0");
    const found = await send(
      "GET",
      `/Users?filter=${encodeURIComponent('externalId eq "X2" and userName eq "P2@example.com"')}`,
    );
    const otherCase = await send("GET", `/Users?filter=${encodeURIComponent('externalId eq "x2"')}`);
    const counts = [page, none, found, otherCase].map(({ body }) =>
      pick(body, "totalResults", "startIndex", "itemsPerPage"),
    );
    assert.deepStrictEqual(counts, [
      { totalResults: 5, startIndex: 4, itemsPerPage: 2 },
      { totalResults: 5, startIndex: 4, itemsPerPage: 0 },
      { totalResults: 1, startIndex: 1, itemsPerPage: 1 },
      { totalResults: 0, startIndex: 1, itemsPerPage: 0 },
    ]);
    const refused = await send("GET", `/Users?filter=${encodeURIComponent('userName co "p"')}`);
    assert.deepStrictEqual([refused.status, pick(refused.body, "scimType")], [400, { scimType: "invalidFilter" }]);
  });

  it("describes itself, and has no groups", async () => {
    const { send } = createHarness();
    const paths = [
      "/ServiceProviderConfig",
      "/ResourceTypes",
      "/ResourceTypes/User",
      "/Schemas",
      `/Schemas/${userSchema}`,
      "/Groups",
      "/Schemas/other",
      "/Groups/1",
      "/Bulk",
      "/Users/not-an-id",
      `/Users/${nowhere}`,
    ];
    const statuses = [];
    for (const path of paths) statuses.push((await send("GET", path)).status);
    assert.deepStrictEqual(statuses, [200, 200, 200, 200, 200, 200, 404, 404, 404, 404, 404]);
    const config = await send("GET", "/ServiceProviderConfig");
    const types = await send("GET", "/ResourceTypes");
    assert.deepStrictEqual(
      [pick(config.body, "patch", "bulk"), pick(types.body, "totalResults")],
      [
        { patch: { supported: true }, bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 } },
        { totalResults: 1 },
      ],
    );
    assert.equal((await send("POST", "/Groups", { displayName: "x" })).status, 501);
    assert.equal((await send("DELETE", `/Users/${nowhere}`)).status, 404);
    assert.equal((await send("PUT", "/Users/not-an-id", { userName: "a" })).status, 404);
    assert.equal((await send("POST", "/Users", "{planted")).status, 400);
  });

  it("loses no deactivation to a change that was read before it", async () => {
    const memory = createMemoryScimStore();
    let isFirst = true;
    const { send, create } = createHarness({
      store: {
        ...memory,
        async find(id) {
          const read = await memory.find(id);
          // Somebody else is quicker, once.
          if (isFirst && read !== undefined) {
            isFirst = false;
            await memory.save({ ...read, version: read.version + 1, user: { ...read.user, active: false } });
          }
          return read;
        },
      },
    });
    const id = await create("ada@example.com");
    const { status } = await send("PATCH", `/Users/${id}`, {
      Operations: [{ op: "replace", path: "displayName", value: "Ada" }],
    });
    const user = memory.records.get(id)?.user;
    assert.deepStrictEqual([status, user?.active, user?.displayName], [200, false, "Ada"]);
  });

  it("gives up on a user whom others keep changing, and says when to try again", async () => {
    const { send, create } = createHarness({ store: { save: async () => "stale" } });
    const id = await create("ada@example.com");
    const { status, headers } = await send("DELETE", `/Users/${id}`);
    assert.deepStrictEqual([status, headers.get("Retry-After")], [409, "1"]);
  });

  it("asks a provider to try again when the sessions could not be ended, and ends them then", async () => {
    let fails = true;
    const store = createMemoryScimStore();
    const ended: string[] = [];
    const app = scimRoutes(
      {
        store,
        clock: () => 0,
        async deactivated({ user }) {
          if (fails) throw new Error("planted");
          ended.push(user.userName);
        },
      },
      { base, tokens: [token], asServiceError: (error) => asServiceError(error, () => false) },
    );
    const push = () =>
      app.request("/Users", {
        method: "POST",
        headers: { Authorization: `Bearer ${token}` },
        body: JSON.stringify({ userName: "ada@example.com", active: false }),
      });
    const failed = await push();
    assert.equal(failed.status, 500);
    assert.ok(!(await failed.text()).includes("planted"));
    fails = false;
    const [id] = store.records.keys();
    const again = await app.request(`/Users/${id ?? ""}`, {
      method: "PATCH",
      headers: { Authorization: `Bearer ${token}` },
      body: JSON.stringify({ Operations: [{ op: "replace", path: "active", value: "False" }] }),
    });
    assert.deepStrictEqual([again.status, ended], [200, ["ada@example.com"]]);
  });

  it("slows a provider that runs away, and lets it go on a minute later", async () => {
    const { send, advance } = createHarness();
    for (let i = 0; i < 3_000; i += 1) await send("GET", "/Groups");
    const slowed = await send("GET", "/Groups");
    assert.deepStrictEqual([slowed.status, slowed.headers.get("Retry-After")], [429, "60"]);
    advance(60_000);
    assert.equal((await send("GET", "/Groups")).status, 200);
  });
});
