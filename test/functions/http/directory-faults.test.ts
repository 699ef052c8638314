import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { sql } from "drizzle-orm";
import * as z from "zod/mini";

import type { Database } from "../../../functions/adapters/postgres/database.ts";
import { AuditAnswer } from "../../../functions/contract/admin.ts";
import { NightlyRunsAnswer } from "../../../functions/contract/runs.ts";
import { codeOf, create, tryCreate } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Company } from "../../support/directory/company.ts";
import { scimToken, startCompany } from "../../support/directory/company.ts";
import type { GoogleFaults } from "../../support/directory/google.ts";
import type { GraphFaults, GraphStandIn } from "../../support/directory/graph.ts";
import { startGraph } from "../../support/directory/graph.ts";
import type { Caller } from "../../support/function.ts";
import { call } from "../../support/function.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** More than are asked about one by one. */
const many = 520;

const Case = z.object({
  p: z.string(),
  n: z.string(),
  subject: z.optional(z.string()),
  status: z.optional(z.number()),
  body: z.optional(z.unknown()),
  net: z.optional(z.string()),
  tokenError: z.optional(z.string()),
  ops: z.optional(z.array(z.unknown())),
  want: z.enum(["active", "inactive", "unknown"]),
});
const { cases } = z
  .object({ cases: z.array(Case) })
  .parse(JSON.parse(readFileSync(new URL("../policy/directory.json", import.meta.url), "utf8")));
const casesOf = (p: string) => cases.filter((each) => each.p === p);

/** What must have become of somebody's key, session and next wish. */
const outcomes = {
  active: [[false], "200", "201"],
  unknown: [[false], "200", "directory_unknown"],
  inactive: [[true], "unauthorized", "unauthorized"],
} as const;

// One database is enough here: what the nightly run asks of it is shown on both elsewhere.
const [, kind] = databaseKinds;
const noGoogle = { GOOGLE_SA_KEY_JSON: "", GOOGLE_DIRECTORY_SUBJECT: "", GOOGLE_DIRECTORY_URL: "" };

describe("the nightly run, whatever a directory answers", function () {
  this.timeout(120_000);
  let database: Database;
  let company: Company;
  let graph: GraphStandIn | undefined;

  async function open(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const opened = await kind.openWithView();
    database = opened.database;
    company = await startCompany(opened.stores, environment);
  }

  async function openEntra(): Promise<GraphStandIn> {
    graph = await startGraph();
    await open({
      ...noGoogle,
      ENTRA_TENANT_ID: graph.tenantId,
      ENTRA_CLIENT_ID: graph.clientId,
      ENTRA_CLIENT_SECRET: graph.clientSecret,
      ENTRA_LOGIN_URL: graph.origin,
      GRAPH_URL: graph.url,
    });
    graph.put({ id: "canary", userPrincipalName: "canary@example.com", accountEnabled: true });
    for (const name of ["ada", "boss"]) enable(name);
    return graph;
  }

  afterEach(async () => {
    await company.stop();
    await graph?.stop();
    graph = undefined;
  });

  /** Hires somebody in Entra, or changes what it says of them. */
  function enable(name: string, accountEnabled = true, isDeleted = false): string {
    const id = company.hire(name);
    graph?.put({ id, userPrincipalName: `${name}@example.com`, accountEnabled, isDeleted });
    return id;
  }

  async function join(name: string): Promise<Caller> {
    if (graph === undefined) company.hire(name);
    else enable(name);
    const caller = await company.running.signIn(`${name}@example.com`);
    await create(caller, { name: `${name}'s key`, limitUsd: 5 });
    return caller;
  }

  /** People with sessions and without keys, past every store: signing in so many would take minutes. */
  async function crowd(): Promise<void> {
    for (let n = 0; n < many; n += 1) {
      const id = `crowd-${n}`;
      company.google.users.set(id, { id, primaryEmail: `${id}@example.com` });
      graph?.put({ id, userPrincipalName: `${id}@example.com`, accountEnabled: true });
    }
    await database.execute(sql`
      insert into owners (id, issuer, subject, email, groups, created_at)
      select gen_random_uuid(), 'https://issuer.example', 'crowd-' || n, 'crowd-' || n || '@example.com', '{}', now()
      from generate_series(0, ${many - 1}::int) n`);
    await database.execute(sql`
      insert into sessions (token_hash, owner_id, created_at, auth_time, last_used_at, idle_until, expires_at, client)
      select id::text, id, now(), now(), now(), now() + interval '90 days', now() + interval '90 days', 'crowd'
      from owners where subject like 'crowd-%'`);
  }

  async function run(mostMs?: number): Promise<{ counts: Record<string, unknown>; alerts: string }> {
    const { runId: _, mode: __, ...counts } = Object(await company.running.runNightly(mostMs));
    const latest = await company.latestRun();
    return { counts, alerts: latest?.alerts.join(" ") ?? "" };
  }

  const disabled = (name: string) =>
    company.running.openRouter
      .keys()
      .filter((key) => key.name.startsWith(`${name}'s key`))
      .map((key) => key.disabled);
  const mine = async (caller: Caller) => codeOf(await caller.call("GET", "/v1/me"));

  async function become(name: string, caller: Caller): Promise<readonly unknown[]> {
    // What is known is too old to rest a grant on.
    company.running.advance(20 * minute);
    return [disabled(name), await mine(caller), codeOf(await tryCreate(caller, { name: "more", limitUsd: 1 }))];
  }

  /** Twice, an hour apart, since an absence is believed only then. */
  async function twoNights(): Promise<void> {
    await company.running.runNightly();
    company.running.advance(hour + minute);
    await company.running.runNightly();
  }

  describe("answers of the vectors", () => {
    it("from Google become the state that must follow", async () => {
      await open();
      for (const [index, vector] of casesOf("google").entries()) {
        const name = `v${index}`;
        const caller = await join(name);
        const id = company.hire(name);
        const body: unknown = JSON.parse(
          JSON.stringify(vector.body ?? "").replaceAll(`"${vector.subject}"`, `"${id}"`),
        );
        if (vector.tokenError !== undefined) {
          company.google.faults.token = "refuses";
          company.google.expireTokens();
        } else if (vector.status === undefined) {
          company.google.faults.get = { fault: "reset", of: (key) => key === id };
        } else {
          const answer = { status: vector.status, body };
          company.google.faults.answer = (key) => (key === id ? answer : undefined);
        }
        await twoNights();
        assert.deepStrictEqual(await become(name, caller), outcomes[vector.want], vector.n);
        for (const fault of ["token", "get", "answer"] as const) delete company.google.faults[fault];
        company.running.advance(hour);
      }
    });

    it("from Microsoft Graph become the state that must follow", async () => {
      const { faults } = await openEntra();
      for (const [index, vector] of casesOf("graph").entries()) {
        const name = `v${index}`;
        const caller = await join(name);
        const id = company.hire(name);
        const text = JSON.stringify(vector.body ?? "").replaceAll(`"${vector.subject}"`, `"${id}"`);
        const answer = { status: vector.status ?? 500, body: JSON.parse(text) as unknown };
        // Known to Entra before it answers oddly.
        await company.running.runNightly();
        company.running.advance(hour + minute);
        faults.answer = (key) => (key === id ? answer : undefined);
        await twoNights();
        assert.deepStrictEqual(await become(name, caller), outcomes[vector.want], vector.n);
        delete faults.answer;
        // The brake counts what a day brings.
        company.running.advance(day);
      }
    });

    it("over SCIM become the state that must follow", async () => {
      await open({ ...noGoogle, SCIM_TOKEN: scimToken });
      const headers = { Authorization: `Bearer ${scimToken}` };
      const send = async (method: string, path: string, body: object) => {
        const answer = await call(company.running.url, method, `/scim/v2/Users${path}`, { headers, body });
        assert.ok(answer.status < 300, JSON.stringify(answer.body));
        return String(Object(answer.body).id);
      };
      for (const [index, vector] of casesOf("scim").entries()) {
        const name = `v${index}`;
        const schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"];
        const id = await send("POST", "", { schemas, userName: `${name}@example.com`, active: true });
        const caller = await join(name);
        await send("PATCH", `/${id}`, {
          schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
          Operations: vector.ops,
        });
        await company.running.runNightly();
        assert.deepStrictEqual(await become(name, caller), outcomes[vector.want], vector.n);
        company.running.advance(day);
      }
    });
  });

  it("revokes and grants nothing, and alerts, while two directories contradict each other", async () => {
    await open({ SCIM_TOKEN: scimToken });
    const headers = { Authorization: `Bearer ${scimToken}` };
    const push = async (name: string, active: boolean) => {
      const body = {
        schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
        userName: `${name}@example.com`,
        active,
      };
      await call(company.running.url, "POST", "/scim/v2/Users", { headers, body });
    };
    const grace = await join("grace");
    const linus = await join("linus");
    await push("grace", true);
    await push("linus", false);
    company.hire("grace", { suspended: true });
    // A deactivation over SCIM ends sessions at once; whoever may sign in again does.
    const back = await company.running.signIn("linus@example.com");
    assert.equal(await mine(linus), "unauthorized");
    for (let night = 0; night < 2; night += 1) {
      const { counts, alerts } = await run();
      assert.deepStrictEqual([counts["unknown"], counts["inactive"], counts["revoked"]], [2, 0, 0]);
      assert.match(alerts, /disagree: Google says active, SCIM says inactive/);
      assert.match(alerts, /disagree: SCIM says active, Google says inactive/);
      company.running.advance(day);
    }
    assert.deepStrictEqual([disabled("grace"), disabled("linus")], [[false], [false]]);
    for (const caller of [grace, back]) {
      assert.equal(codeOf(await tryCreate(caller, { name: "more", limitUsd: 1 })), "reauth_required");
    }
    for (const name of ["grace", "linus"]) {
      const again = await company.running.signIn(`${name}@example.com`);
      assert.equal(codeOf(await tryCreate(again, { name: "more", limitUsd: 1 })), "directory_unknown");
    }
  });

  it("stops at the brake when Google no longer finds half of the company, however often", async () => {
    await open();
    for (let n = 0; n < 8; n += 1) await join(`w${n}`);
    const gone = new Set([0, 2, 4, 6].map((n) => company.hire(`w${n}`)));
    company.google.faults.get = { fault: "not-found", of: (id) => gone.has(id) };
    for (let night = 0; night < 4; night += 1) {
      const { counts } = await run();
      assert.deepStrictEqual([counts["inactive"], counts["revoked"], counts["tripped"]], [4, 0, night > 0]);
      company.running.advance(day);
    }
    delete company.google.faults.get;
    assert.deepStrictEqual((await run()).counts["active"], 8);
    assert.ok(company.running.openRouter.keys().every((key) => !key.disabled));
  });

  it("says that the administrator in whose name Google was asked has left", async () => {
    await open();
    const grace = await join("grace");
    company.google.faults.isAdminGone = true;
    company.google.expireTokens();
    company.running.advance(day);
    const { counts, alerts } = await run();
    assert.deepStrictEqual([counts["unknown"], counts["revoked"]], [1, 0]);
    assert.match(alerts, /GOOGLE_DIRECTORY_SUBJECT, who may have left/);
    assert.equal(await mine(grace), "200");
  });

  it("ends where its time ends when Google does not answer, and is done by the next run", async () => {
    await open();
    const grace = await join("grace");
    company.hire("grace", { suspended: true });
    company.google.faults.get = { fault: "hang" };
    const { counts } = await run(1_000);
    assert.deepStrictEqual([counts["partial"], counts["revoked"]], [true, 0]);
    assert.equal(await mine(grace), "200");
    delete company.google.faults.get;
    assert.deepStrictEqual([(await run()).counts["revoked"], disabled("grace")], [1, [true]]);
  });

  it("finds a leaver in a large company whatever becomes of Google's list, and takes nobody else for one", async () => {
    await open();
    await join("linus");
    const grace = await join("grace");
    await crowd();
    const lists: readonly GoogleFaults["list"][] = [
      undefined,
      "empty-pages",
      "same-page",
      "same-token",
      "html",
      "reset",
      "not-authorized",
      "truncated",
    ];
    for (const list of lists) {
      if (list === undefined) delete company.google.faults.list;
      else company.google.faults.list = list;
      const { counts } = await run();
      assert.deepStrictEqual([counts["active"], counts["unknown"]], [many + 2, 0], list);
      company.running.advance(2 * hour);
    }
    company.hire("grace", { suspended: true });
    assert.deepStrictEqual((await run()).counts["revoked"], 1);
    assert.deepStrictEqual([disabled("grace"), disabled("linus")], [[true], [false]]);
    assert.equal(await mine(grace), "unauthorized");
  });

  it("finds leavers in a large company through Graph's changes, and takes nobody else for one", async () => {
    const { faults, calls } = await openEntra();
    for (const name of ["linus", "grace", "alan"]) await join(name);
    await crowd();
    const nights: readonly (GraphFaults & { readonly unknown: number })[] = [
      { unknown: 0 },
      { unknown: 0 },
      { delta: "expired", unknown: 0 },
      { delta: "500", unknown: 0 },
      { delta: "reset", list: "same-page", unknown: 0 },
      { delta: "not-allowed", list: "empty-pages", unknown: 0 },
      { delta: "html", batch: "500", unknown: many + 3 },
      { delta: "html", get: { fault: "throttled", of: (id) => /^crowd.*7$/.test(id) }, unknown: 52 },
      { delta: "html", get: { fault: "left-out", of: (id) => /^crowd.*3$/.test(id) }, unknown: 52 },
      { token: "refuses", unknown: 0 },
    ];
    for (const { unknown, ...night } of nights) {
      for (const name of ["delta", "list", "batch", "get", "token"] as const) delete faults[name];
      Object.assign(faults, night);
      const { counts } = await run();
      const told = `${JSON.stringify(night)} ${JSON.stringify(counts)}`;
      assert.deepStrictEqual([counts["unknown"], counts["inactive"], counts["revoked"]], [unknown, 0, 0], told);
      company.running.advance(10 * minute);
    }
    for (const name of ["delta", "list", "batch", "get", "token"] as const) delete faults[name];
    await run();
    company.running.advance(hour);
    calls.splice(0);
    enable("grace", false);
    enable("alan", true, true);
    assert.deepStrictEqual((await run()).counts["revoked"], 2);
    assert.deepStrictEqual(
      calls.filter((each) => each.startsWith("list")),
      [],
    );
    assert.deepStrictEqual([disabled("grace"), disabled("alan"), disabled("linus")], [[true], [true], [false]]);
  });

  it("gives nothing of a leaver to whoever has their address next", async () => {
    await open();
    const grace = await join("grace");
    const old = company.hire("grace");
    company.google.users.delete(old);
    company.google.users.set("900", { id: "900", primaryEmail: "grace@example.com" });
    company.rename(old, "900");
    await assert.rejects(company.running.signIn("grace@example.com"), /status 409/);
    await twoNights();
    assert.deepStrictEqual([disabled("grace"), await mine(grace)], [[true], "unauthorized"]);
    await assert.rejects(company.running.signIn("grace@example.com"), /status 40[39]/);
  });

  it("is not led astray by clocks that are set back and forward, nor by the end of a month", async () => {
    await open();
    const grace = await join("grace");
    const linus = await join("linus");
    company.google.users.delete(company.hire("grace"));
    await company.running.runNightly();
    // Back by a day: what was seen then is in the future, and counts as seen now.
    company.running.advance(-day);
    assert.deepStrictEqual((await run()).counts["revoked"], 0);
    company.running.advance(30 * minute);
    assert.deepStrictEqual((await run()).counts["revoked"], 0);
    assert.equal(await mine(grace), "200");
    company.running.advance(hour);
    assert.deepStrictEqual((await run()).counts["revoked"], 1);
    // Forward over the end of a month: the key stays revoked, and nobody else is touched.
    company.running.advance(20 * day);
    const { counts } = await run();
    assert.deepStrictEqual([counts["revoked"], counts["repaired"], counts["tripped"]], [0, 0, false]);
    company.running.advance(-20 * day);
    await run();
    assert.deepStrictEqual(
      [disabled("grace"), disabled("linus"), await mine(grace), await mine(linus)],
      [[true], [false], "unauthorized", "200"],
    );
  });

  it("asks nothing of whoever pushes that everybody is gone but an administrator's yes", async () => {
    await open({ ...noGoogle, SCIM_TOKEN: scimToken });
    const headers = { Authorization: `Bearer ${scimToken}` };
    const schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"];
    const ids: string[] = [];
    for (const name of ["ada", "w0", "w1", "w2", "w3", "w4"]) {
      const body = { schemas, userName: `${name}@example.com`, active: true };
      const answer = await call(company.running.url, "POST", "/scim/v2/Users", { headers, body });
      if (name !== "ada") ids.push(String(Object(answer.body).id));
    }
    for (let n = 0; n < 5; n += 1) await join(`w${n}`);
    const forged = await call(company.running.url, "PUT", `/scim/v2/Users/${ids[0]}`, {
      headers: { Authorization: "Bearer somebody-elses-token-of-forty-characters" },
      body: { schemas, userName: "w0@example.com", active: false },
    });
    assert.equal(forged.status, 401);
    assert.deepStrictEqual((await run()).counts["inactive"], 0);
    for (const [n, id] of ids.entries()) {
      const body = { schemas, userName: `w${n}@example.com`, active: false };
      await call(company.running.url, "PUT", `/scim/v2/Users/${id}`, { headers, body });
    }
    const { counts } = await run();
    assert.deepStrictEqual([counts["inactive"], counts["revoked"], counts["tripped"]], [5, 0, true]);
    assert.ok(company.running.openRouter.keys().every((key) => !key.disabled));
    const ada = await company.running.signIn("ada@example.com");
    const answer = await ada.call("GET", "/v1/admin/runs");
    const [waiting] = NightlyRunsAnswer.parse(answer.body).runs;
    assert.equal(waiting?.candidates.length, 5);
    const approved = await ada.call("POST", `/v1/admin/runs/${waiting?.id}/approve`, {
      body: { candidatesHash: waiting?.candidatesHash },
    });
    const entries = AuditAnswer.parse((await ada.call("GET", "/v1/admin/audit")).body).entries;
    // Nobody can say later that they did not.
    assert.deepStrictEqual(
      entries
        .filter(({ verb }) => verb === "run.approve")
        .map(({ actor, targetId, requestId, after }) => [actor.label, targetId, requestId, after?.["people"]]),
      [["ada@example.com", waiting?.id, approved.headers.get("X-Request-Id"), 5]],
    );
    assert.deepStrictEqual((await run()).counts["revoked"], 5);
    assert.ok(company.running.openRouter.keys().every((key) => key.disabled));
  });
});
