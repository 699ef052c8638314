import assert from "node:assert/strict";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { AuditAnswer } from "../../../functions/contract/admin.ts";
import { KeysAnswer } from "../../../functions/contract/keys.ts";
import { NightlyRunsAnswer } from "../../../functions/contract/runs.ts";
import { codeOf, create, manage, pick, tryCreate } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Company } from "../../support/directory/company.ts";
import { cronSecret, scimToken, startCompany } from "../../support/directory/company.ts";
import type { Caller } from "../../support/function.ts";
import { call } from "../../support/function.ts";

const hour = 3_600_000;
const day = 24 * hour;
const counts = { checked: 0, active: 0, inactive: 0, unknown: 0, revoked: 0, failed: 0, repaired: 0, swept: 0 };
const quiet = { ...counts, tripped: false, partial: false, mode: "enforce" };

for (const kind of databaseKinds) {
  describe(`the nightly run on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let company: Company;

    beforeEach(async () => {
      stores = await kind.open();
      company = await startCompany(stores);
    });

    afterEach(async () => {
      await company.stop();
      await stores.close();
    });

    async function again(environment: Readonly<Record<string, string>>): Promise<void> {
      await company.stop();
      await stores.close();
      stores = await kind.open();
      company = await startCompany(stores, environment);
    }

    async function join(name: string): Promise<Caller> {
      company.hire(name);
      const caller = await company.running.signIn(`${name}@example.com`);
      await create(caller, { name: `${name}'s key` });
      return caller;
    }

    async function run(): Promise<object> {
      const { runId, ...summary } = Object(await company.running.runNightly());
      assert.ok(typeof runId === "string" || "skipped" in summary);
      return summary;
    }

    const upstream = (name: string) =>
      company.running.openRouter.keys().filter((key) => key.name.startsWith(`${name}'s key`));
    const isDisabled = (name: string) => upstream(name).map(({ disabled }) => disabled);
    const mine = async (caller: Caller) => codeOf(await caller.call("GET", "/v1/me"));

    const waitingFor = async (caller: Caller) => pick((await caller.call("GET", "/v1/me")).body, "waitingRun");

    async function runs(admin: Caller): Promise<NightlyRunsAnswer> {
      const answer = await admin.call("GET", "/v1/admin/runs");
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return NightlyRunsAnswer.parse(answer.body);
    }

    it("leaves everybody alone who works here", async () => {
      const grace = await join("grace");
      await join("linus");
      assert.deepStrictEqual(await run(), { ...quiet, checked: 2, active: 2 });
      assert.equal(await mine(grace), "200");
      assert.deepStrictEqual(isDisabled("grace"), [false]);
    });

    for (const facts of [{ suspended: true }, { archived: true }, { deletionTime: "2026-11-24T00:00:00.000Z" }]) {
      it(`ends the access of somebody whose account is ${Object.keys(facts).join()}, and of nobody else`, async () => {
        const grace = await join("grace");
        const linus = await join("linus");
        const ada = await company.running.signIn("ada@example.com");
        company.hire("grace", facts);
        assert.deepStrictEqual(await run(), { ...quiet, checked: 3, active: 2, inactive: 1, revoked: 1 });
        assert.deepStrictEqual([isDisabled("grace"), isDisabled("linus")], [[true], [false]]);
        assert.deepStrictEqual([await mine(grace), await mine(linus)], ["unauthorized", "200"]);
        await assert.rejects(company.running.signIn("grace@example.com"), /status 403/);
        const entries = AuditAnswer.parse((await ada.call("GET", "/v1/admin/audit")).body).entries;
        assert.deepStrictEqual(
          entries.slice(0, 3).map(({ verb, owner }) => [verb, owner.label]),
          [
            ["key.revoked", "grace@example.com"],
            ["key.revoke", "grace@example.com"],
            ["person.block", "grace@example.com"],
          ],
        );
        assert.match(String(entries[2]?.after?.["evidence"]), /Google/);
        // Nothing is left to do.
        assert.deepStrictEqual(await run(), { ...quiet, checked: 2, active: 2 });
      });
    }

    it("cuts nobody off while the directory answers anything but a clear no", async () => {
      const faults = [
        "html",
        "html-404",
        "reset",
        "redirect",
        "truncated",
        "403",
        "500",
        "not-authorized",
        "no-such-domain",
        "no-flags",
      ] as const;
      const grace = await join("grace");
      for (const fault of faults) {
        company.google.faults.get = { fault };
        company.running.advance(2 * hour);
        assert.deepStrictEqual(await run(), { ...quiet, checked: 1, unknown: 1 }, fault);
      }
      delete company.google.faults.get;
      company.google.faults.token = "refuses";
      company.google.faults.isAdminGone = true;
      company.google.expireTokens();
      company.running.advance(2 * hour);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 1, unknown: 1 });
      assert.equal(await mine(grace), "200");
      assert.deepStrictEqual(isDisabled("grace"), [false]);
    });

    it("wants to miss an account twice, an hour apart, while its canary is there", async () => {
      const grace = await join("grace");
      company.google.users.delete(company.hire("grace"));
      assert.deepStrictEqual(await run(), { ...quiet, checked: 1, inactive: 1 });
      company.running.advance(30 * 60_000);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 1, inactive: 1 });
      assert.equal(await mine(grace), "200");
      company.running.advance(hour);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 1, inactive: 1, revoked: 1 });
      assert.equal(await mine(grace), "unauthorized");
    });

    it("takes nobody for a leaver when everybody is missing", async () => {
      await join("grace");
      company.google.users.clear();
      for (let night = 0; night < 3; night += 1) {
        assert.deepStrictEqual(await run(), { ...quiet, checked: 1, unknown: 1 });
        company.running.advance(day);
      }
      assert.deepStrictEqual(isDisabled("grace"), [false]);
    });

    it("only says what it would do in report mode, and tells administrators why", async () => {
      await again({ NIGHTLY_MODE: "report" });
      const grace = await join("grace");
      company.hire("grace", { suspended: true });
      assert.deepStrictEqual(await run(), { ...quiet, mode: "report", checked: 1, inactive: 1 });
      assert.equal(await mine(grace), "200");
      const ada = await company.running.signIn("ada@example.com");
      const [latest] = (await runs(ada)).runs;
      assert.deepStrictEqual(latest?.candidates, [
        {
          owner: { id: latest?.candidates[0]?.owner.id, label: "grace@example.com" },
          evidence: "Google says that the account is suspended.",
        },
      ]);
      assert.equal(latest?.state, "none");
    });

    it("stops when more people are due than a day may bring, until another administrator approves the list", async () => {
      const names = ["w1", "w2", "w3", "w4"];
      const callers: Caller[] = [];
      for (const name of names) callers.push(await join(name));
      const ada = await company.running.signIn("ada@example.com");
      for (const name of names) company.hire(name, { suspended: true });
      assert.deepStrictEqual(await run(), { ...quiet, checked: 5, active: 1, inactive: 4, tripped: true });
      assert.deepStrictEqual(names.flatMap(isDisabled), [false, false, false, false]);
      assert.equal(await mine(callers[0] ?? ada), "200");

      const health = await call(company.running.url, "GET", "/v1/health");
      assert.equal(health.status, 503);
      assert.match(JSON.stringify(health.body), /waits for an administrator's approval/);
      const [latest] = (await runs(ada)).runs;
      assert.deepStrictEqual([latest?.state, latest?.candidates.length], ["waiting", 4]);
      const path = `/v1/admin/runs/${latest?.id}/approve`;
      const wrong = await ada.call("POST", path, { body: { candidatesHash: "other" } });
      const right = await ada.call("POST", path, { body: { candidatesHash: latest?.candidatesHash } });
      assert.deepStrictEqual([codeOf(wrong), codeOf(right)], ["conflict", "200"]);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 5, active: 1, inactive: 4, revoked: 4 });
      assert.deepStrictEqual(names.flatMap(isDisabled), [true, true, true, true]);
      assert.equal((await call(company.running.url, "GET", "/v1/health")).status, 200);
    });

    it("lets nobody approve a list that they are on", async () => {
      const ada = await join("ada");
      for (const name of ["w1", "w2", "w3"]) await join(name);
      for (const name of ["ada", "w1", "w2", "w3"]) company.hire(name, { suspended: true });
      await run();
      const [latest] = (await runs(ada)).runs;
      const answer = await ada.call("POST", `/v1/admin/runs/${latest?.id}/approve`, {
        body: { candidatesHash: latest?.candidatesHash },
      });
      assert.equal(codeOf(answer), "forbidden");
      const boss = await company.running.signIn("boss@example.com");
      assert.equal(
        (
          await boss.call("POST", `/v1/admin/runs/${latest?.id}/approve`, {
            body: { candidatesHash: latest?.candidatesHash },
          })
        ).status,
        200,
      );
      assert.deepStrictEqual(await run(), { ...quiet, checked: 5, active: 1, inactive: 4, revoked: 4 });
      assert.equal(await mine(ada), "unauthorized");
    });

    it("tells administrators in their account of a run that waits, for as long as it does, and nobody else", async () => {
      const callers: Caller[] = [];
      for (const name of ["w1", "w2", "w3", "w4"]) callers.push(await join(name));
      const [w1] = callers;
      const ada = await company.running.signIn("ada@example.com");
      const told = async () => (await Promise.all([ada, w1 ?? ada].map(waitingFor))).flat();
      const before = await told();
      for (const name of ["w1", "w2", "w3", "w4"]) company.hire(name, { suspended: true });
      await run();
      const [latest] = (await runs(ada)).runs;
      // Names nobody, so that a sign-in of yesterday is enough.
      company.running.advance(13 * hour);
      const stopped = await told();
      company.running.advance(-13 * hour);
      await ada.call("POST", `/v1/admin/runs/${latest?.id}/approve`, {
        body: { candidatesHash: latest?.candidatesHash },
      });
      assert.deepStrictEqual(
        [before, stopped, await told()],
        [
          [undefined, undefined],
          [{ id: latest?.id, people: 4 }, undefined],
          [undefined, undefined],
        ],
      );
    });

    it("leaves somebody alone who came back between the list and its approval", async () => {
      const names = ["w1", "w2", "w3", "w4"];
      for (const name of names) await join(name);
      for (const name of names) company.hire(name, { suspended: true });
      const ada = await company.running.signIn("ada@example.com");
      await run();
      const [latest] = (await runs(ada)).runs;
      await ada.call("POST", `/v1/admin/runs/${latest?.id}/approve`, {
        body: { candidatesHash: latest?.candidatesHash },
      });
      company.hire("w1", { suspended: false });
      assert.deepStrictEqual(await run(), { ...quiet, checked: 5, active: 2, inactive: 3, revoked: 3 });
      assert.deepStrictEqual(names.flatMap(isDisabled), [false, true, true, true]);
    });

    it("counts what the last day brought", async () => {
      for (const name of ["w1", "w2", "w3", "w4"]) await join(name);
      for (const name of ["w1", "w2"]) company.hire(name, { suspended: true });
      assert.deepStrictEqual(await run(), { ...quiet, checked: 4, active: 2, inactive: 2, revoked: 2 });
      for (const name of ["w3", "w4"]) company.hire(name, { suspended: true });
      company.running.advance(23 * hour);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 2, inactive: 2, tripped: true });
      company.running.advance(2 * hour);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 2, inactive: 2, revoked: 2 });
    });

    it("revives nothing for somebody who is hired again, and lets them make a new key", async () => {
      await join("grace");
      company.hire("grace", { suspended: true });
      await run();
      company.hire("grace", { suspended: false });
      const grace = await company.running.signIn("grace@example.com");
      const [old] = KeysAnswer.parse((await grace.call("GET", "/v1/keys")).body).keys;
      assert.equal(old?.state, "revoked");
      const enabled = await grace.call("PATCH", `/v1/keys/${old?.id}`, { body: { disabled: false } });
      assert.equal(codeOf(enabled), "revoked");
      await create(grace, { name: "grace's key 2" });
      assert.deepStrictEqual(isDisabled("grace").sort(), [false, true]);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 1, active: 1 });
    });

    it("grants nothing on a doubt: no key, no successor, no enabling, no raise", async () => {
      const grace = await join("grace");
      const [key] = KeysAnswer.parse((await grace.call("GET", "/v1/keys")).body).keys;
      await grace.call("PATCH", `/v1/keys/${key?.id}`, { body: { disabled: true } });
      company.google.faults.get = { fault: "500" };
      company.running.advance(hour);
      const made = await tryCreate(grace, { name: "second" });
      const enabled = await grace.call("PATCH", `/v1/keys/${key?.id}`, { body: { disabled: false } });
      assert.deepStrictEqual([codeOf(made), codeOf(enabled)], ["directory_unknown", "directory_unknown"]);
      assert.equal(made.headers.get("Retry-After"), "60");
      // What takes away is no grant, and what was granted goes on.
      assert.equal((await grace.call("PATCH", `/v1/keys/${key?.id}`, { body: { name: "other" } })).status, 200);
      delete company.google.faults.get;
      assert.equal((await grace.call("PATCH", `/v1/keys/${key?.id}`, { body: { disabled: false } })).status, 200);
    });

    it("gives a leaver nothing more, and ends their sessions, before any run", async () => {
      const grace = await join("grace");
      company.hire("grace", { suspended: true });
      company.running.advance(hour);
      assert.equal(codeOf(await tryCreate(grace, { name: "parting gift" })), "offboarded");
      assert.equal(await mine(grace), "unauthorized");
      assert.deepStrictEqual(isDisabled("grace"), [false]);
    });

    it("lists people about whom the directory has said nothing for a week", async () => {
      await join("grace");
      company.google.faults.get = { fault: "not-authorized", of: (id) => id !== "canary@example.com" };
      await run();
      company.running.advance(6 * day);
      await run();
      const before = await runs(await company.running.signIn("ada@example.com"));
      company.running.advance(day + hour);
      await run();
      const after = await runs(await company.running.signIn("ada@example.com"));
      assert.deepStrictEqual(
        [before.unknown.length, after.unknown.map(({ owner }) => owner.label)],
        [0, ["grace@example.com"]],
      );
    });

    it("keeps a revocation that OpenRouter does not take on its list, until it does", async () => {
      await join("grace");
      company.hire("grace", { suspended: true });
      company.running.openRouter.faults.add({
        method: "PATCH",
        path: "/keys/*",
        fault: { kind: "status", status: 500, when: "before" },
      });
      const summary = await run();
      assert.deepStrictEqual(
        { ...summary, partial: undefined },
        { ...quiet, checked: 1, inactive: 1, failed: 1, partial: undefined },
      );
      assert.deepStrictEqual(isDisabled("grace"), [false]);
      const ada = await company.running.signIn("ada@example.com");
      assert.deepStrictEqual(
        (await runs(ada)).stuck.map(({ owner, key }) => [owner.label, key.name]),
        [["grace@example.com", "grace's key"]],
      );
      assert.equal((await call(company.running.url, "GET", "/v1/health")).status, 503);
      company.running.openRouter.faults.reset();
      company.running.advance(2 * hour);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 1, active: 1, revoked: 1 });
      assert.deepStrictEqual([isDisabled("grace"), (await runs(ada)).stuck], [[true], []]);
    });

    it("does not call a key revoked that OpenRouter goes on showing enabled", async () => {
      await join("grace");
      company.hire("grace", { suspended: true });
      const [key] = upstream("grace");
      company.running.openRouter.faults.add({
        method: "GET",
        path: "/keys/*",
        fault: { kind: "odd-json", body: { data: { ...key } } },
      });
      await run();
      const ada = await company.running.signIn("ada@example.com");
      assert.equal((await runs(ada)).runs[0]?.counts.failed, 1);
    });

    it("disables again what somebody enables at OpenRouter after it was revoked", async () => {
      await join("grace");
      company.hire("grace", { suspended: true });
      await run();
      await manage(company.running, "PATCH", `/keys/${upstream("grace")[0]?.hash}`, { disabled: false });
      assert.deepStrictEqual(await run(), { ...quiet, repaired: 1 });
      assert.deepStrictEqual(isDisabled("grace"), [true]);
      const [latest] = (await runs(await company.running.signIn("ada@example.com"))).runs;
      assert.match(latest?.alerts.join(" ") ?? "", /revoked and was enabled again/);
    });

    it("brings keys and rows together, and touches nobody else's keys", async () => {
      const grace = await join("grace");
      const linus = await join("linus");
      await manage(company.running, "POST", "/keys", { name: "made by hand", limit: 5 });
      await manage(company.running, "DELETE", `/keys/${upstream("grace")[0]?.hash}`);
      const [marked] = upstream("linus");
      const mark = /\[ork-([0-9a-f]{8})-/.exec(marked?.name ?? "")?.[1];
      await manage(company.running, "POST", "/keys", { name: `orphan [ork-${mark}-${"0".repeat(32)}-1]`, limit: 5 });
      await manage(company.running, "POST", "/keys", { name: `other [ork-ffffffff-${"0".repeat(32)}-1]`, limit: 5 });
      assert.deepStrictEqual(await run(), { ...quiet, checked: 2, active: 2, repaired: 2 });
      const names = company.running.openRouter.keys().map(({ name }) => name.split(" ")[0]);
      assert.deepStrictEqual(names.sort(), ["linus's", "made", "other"]);
      const states = async (caller: Caller) =>
        KeysAnswer.parse((await caller.call("GET", "/v1/keys")).body).keys.map(({ state }) => state);
      assert.deepStrictEqual([await states(grace), await states(linus)], [["gone"], ["active"]]);
    });

    it("takes no key for gone when many are missing at once: the management key may be of another account", async () => {
      const grace = await join("grace");
      for (let i = 0; i < 2; i += 1) await create(grace, { name: "more", limitUsd: 1 });
      for (const name of ["w1", "w2", "w3"]) await join(name);
      for (const key of company.running.openRouter.keys()) await manage(company.running, "DELETE", `/keys/${key.hash}`);
      assert.deepStrictEqual(await run(), { ...quiet, checked: 4, active: 4 });
      const [latest] = (await runs(await company.running.signIn("ada@example.com"))).runs;
      assert.match(latest?.alerts.join(" ") ?? "", /OPENROUTER_MANAGEMENT_KEY/);
    });

    it("deletes a revoked key at OpenRouter after the time for which it is kept", async () => {
      await join("grace");
      company.hire("grace", { suspended: true });
      await run();
      company.running.advance(29 * day);
      await run();
      assert.equal(upstream("grace").length, 1);
      company.running.advance(2 * day);
      await run();
      assert.equal(upstream("grace").length, 0);
    });

    it("is refused without the right secret, and answers counts only", async () => {
      await join("grace");
      const tries: [string | undefined, number][] = [
        [undefined, 401],
        ["Bearer undefined", 401],
        ["Bearer ", 401],
        ["Bearer wrong", 401],
        [`Basic ${cronSecret}`, 401],
        [`Bearer ${cronSecret}`, 200],
      ];
      for (const method of ["GET", "POST"]) {
        for (const [header, status] of tries) {
          const headers = header === undefined ? {} : { Authorization: header };
          const answer = await call(company.running.url, method, "/v1/cron/nightly?force=1", { headers });
          assert.equal(answer.status, status, `${method} ${header}`);
          assert.doesNotMatch(JSON.stringify(answer.body), /@/);
        }
      }
      for (const CRON_SECRET of ["", "short"]) {
        await again({ CRON_SECRET });
        for (const [header] of [...tries, [`Bearer ${CRON_SECRET}`]]) {
          const headers = header === undefined ? {} : { Authorization: header };
          assert.equal(
            (await call(company.running.url, "GET", "/v1/cron/nightly", { headers })).status,
            401,
            `${CRON_SECRET} ${header}`,
          );
        }
      }
    });

    it("does not run again at once, nor beside itself", async () => {
      await again({ NIGHTLY_MIN_INTERVAL_SECONDS: "300" });
      const both = await Promise.all([company.running.runNightly(), company.running.runNightly()]);
      assert.deepStrictEqual(both.map((summary) => ("skipped" in summary ? summary.skipped : "ran")).sort(), [
        "ran",
        "running",
      ]);
      assert.deepStrictEqual(await run(), { skipped: "recent" });
      company.running.advance(301_000);
      assert.deepStrictEqual(await run(), quiet);

      company.running.advance(301_000);
      company.running.openRouter.faults.add({ path: "/keys", fault: { kind: "status", status: 500, when: "before" } });
      assert.equal(Object(await run()).partial, true);
      company.running.openRouter.faults.reset();
      // What a partial run left is the next one's, and nobody makes that come sooner.
      assert.deepStrictEqual(await run(), { skipped: "recent" });
      company.running.advance(301_000);
      assert.deepStrictEqual(await run(), quiet);
    });

    it("says how old the spend is that it has read, and leaves that alone when it could not read all", async () => {
      await join("grace");
      const readAt = async () => (await stores.leases.lastDone("spend"))?.at ?? 0;
      await run();
      const first = await readAt();
      company.running.advance(hour);
      await run();
      const second = await readAt();
      company.running.advance(hour);
      company.running.openRouter.faults.add({ path: "/keys", fault: { kind: "status", status: 500, when: "before" } });
      await run();
      assert.deepStrictEqual([first > 0, second - first >= hour, await readAt()], [true, true, second]);
    });

    it("is missed when it has not run for two days", async () => {
      const health = async () => (await call(company.running.url, "GET", "/v1/health")).body;
      await join("grace");
      assert.deepStrictEqual(await health(), { status: "ok" });
      company.running.advance(49 * hour);
      assert.match(JSON.stringify(await health()), /overdue/);
      await run();
      assert.deepStrictEqual(await health(), { status: "ok" });
      company.running.advance(49 * hour);
      assert.match(JSON.stringify(await health()), /overdue/);
    });

    it("hears over SCIM that somebody left: the session ends at once, the key with the next run", async () => {
      await again({
        SCIM_TOKEN: scimToken,
        GOOGLE_SA_KEY_JSON: "",
        GOOGLE_DIRECTORY_SUBJECT: "",
        GOOGLE_DIRECTORY_URL: "",
      });
      const headers = { Authorization: `Bearer ${scimToken}` };
      const push = async (userName: string) => {
        const body = { schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName, active: true };
        return call(company.running.url, "POST", "/scim/v2/Users", { headers, body });
      };
      const created = await push("grace@example.com");
      assert.equal(created.status, 201, JSON.stringify(created.body));
      await push("linus@example.com");
      const grace = await join("grace");
      const linus = await join("linus");
      assert.deepStrictEqual(await run(), { ...quiet, checked: 2, active: 2 });
      const id = String(Object(created.body).id);
      const left = await call(company.running.url, "PATCH", `/scim/v2/Users/${id}`, {
        headers,
        body: {
          schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
          Operations: [{ op: "Replace", path: "active", value: "False" }],
        },
      });
      assert.equal(left.status, 200, JSON.stringify(left.body));
      assert.deepStrictEqual(
        [await mine(grace), await mine(linus), isDisabled("grace")],
        ["unauthorized", "200", [false]],
      );
      assert.deepStrictEqual(await run(), { ...quiet, checked: 2, active: 1, inactive: 1, revoked: 1 });
      assert.deepStrictEqual(isDisabled("grace"), [true]);
    });
  });
}
