import assert from "node:assert/strict";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { IdentitiesAnswer } from "../../../functions/contract/identities.ts";
import { CreateKeyAnswer, KeysAnswer } from "../../../functions/contract/keys.ts";
import { attempt, codeOf, outcome } from "../../support/attempt.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Caller, RunningFunction } from "../../support/function.ts";
import { call, createKit, startFunction } from "../../support/function.ts";
import type { Person } from "../../support/issuer/people.ts";

const [adminPerson, owner, bystander] = ["ada", "grace", "linus"].map((name, index): Person => ({
  subject: `subject-${index}`,
  email: `${name}@example.com`,
  emailVerified: true,
  hostedDomain: "example.com",
  name,
}));

for (const kind of databaseKinds) {
  describe(`two accounts with one e-mail on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let people: Person[];
    let running: RunningFunction;
    let admin: Caller;
    let grace: Caller;

    beforeEach(async () => {
      assert.ok(adminPerson !== undefined && owner !== undefined && bystander !== undefined);
      stores = await kind.open();
      people = [adminPerson, owner, bystander];
      running = await startFunction({
        stores,
        issuer: { people },
        environment: { ADMIN_EMAILS: "ada@example.com,linus@example.com" },
      });
      admin = await running.signIn("ada@example.com");
      grace = await running.signIn("grace@example.com");
    });

    afterEach(async () => {
      await running.stop();
      await stores.close();
    });

    /** From now on the issuer calls this person by another subject. */
    function renumber(email: string, subject: string): void {
      const index = people.findIndex((person) => person.email === email);
      const person = people[index];
      assert.ok(person !== undefined);
      people[index] = { ...person, subject };
    }

    async function waiting(state = ""): Promise<IdentitiesAnswer["identities"]> {
      return IdentitiesAnswer.parse((await admin.call("GET", `/v1/admin/identities${state}`)).body).identities;
    }

    async function decide(decision: string, by = admin): Promise<string> {
      const [conflict] = await waiting();
      return codeOf(await by.call("POST", `/v1/admin/identities/${conflict?.id}`, { body: { decision } }));
    }

    it("wait for an administrator, once however often the person tries", async () => {
      renumber("grace@example.com", "subject-new");
      const tries = [await outcome(running, "grace@example.com"), await outcome(running, "grace@example.com")];
      const listed = await waiting();
      assert.deepStrictEqual(
        [tries, listed.map(({ id: _id, askedAt: _at, owner: { label }, ...rest }) => ({ ...rest, label }))],
        [
          ["identity_conflict", "identity_conflict"],
          [
            {
              state: "waiting",
              label: "grace@example.com",
              known: { issuer: running.issuer.url, subject: "subject-1" },
              came: { issuer: running.issuer.url, subject: "subject-new" },
            },
          ],
        ],
      );
    });

    it("become one by a merge: the keys stay, the old account and its sessions end", async () => {
      const kit = await createKit();
      const made = await grace.call("POST", "/v1/keys", {
        body: { name: "laptop", recipient: kit.recipient },
        headers: kit.headers,
      });
      const { key } = CreateKeyAnswer.parse(made.body);
      renumber("grace@example.com", "subject-new");
      await outcome(running, "grace@example.com");
      const decided = await decide("merge");
      const oldSession = codeOf(await grace.call("GET", "/v1/me"));
      const merged = await running.signIn("grace@example.com");
      const keys = KeysAnswer.parse((await merged.call("GET", "/v1/keys")).body).keys.map(({ id }) => id);
      renumber("grace@example.com", "subject-1");
      assert.deepStrictEqual(
        [decided, oldSession, keys, await outcome(running, "grace@example.com"), (await waiting()).length],
        ["204", "unauthorized", [key.id], "identity_conflict", 1],
      );
    });

    it("stay two by a refusal, which holds until an administrator thinks better of it", async () => {
      renumber("grace@example.com", "subject-new");
      await outcome(running, "grace@example.com");
      const decided = await decide("refuse");
      const again = await outcome(running, "grace@example.com");
      const [left, refused] = [await waiting(), await waiting("?state=refused")];
      const path = `/v1/admin/identities/${refused[0]?.id}`;
      const [twice, merge, after] = [
        codeOf(await admin.call("POST", path, { body: { decision: "refuse" } })),
        codeOf(await admin.call("POST", path, { body: { decision: "merge" } })),
        codeOf(await admin.call("POST", path, { body: { decision: "refuse" } })),
      ];
      assert.deepStrictEqual(
        [decided, again, left.length, refused.length, twice, merge, after, await outcome(running, "grace@example.com")],
        ["204", "identity_conflict", 0, 1, "conflict", "204", "conflict", "signed in"],
      );
    });

    it("are decided by no one whom they are about", async () => {
      renumber("ada@example.com", "subject-new");
      await outcome(running, "ada@example.com");
      const own = await decide("merge");
      const other = await running.signIn("linus@example.com");
      assert.deepStrictEqual([own, await decide("merge", other)], ["forbidden", "204"]);
    });

    it("are shown to administrators only", async () => {
      renumber("linus@example.com", "subject-new");
      assert.deepStrictEqual(
        [
          codeOf(await grace.call("GET", "/v1/admin/identities")),
          codeOf(await grace.call("POST", "/v1/admin/identities/x", { body: { decision: "merge" } })),
          codeOf(await call(running.url, "GET", "/v1/admin/identities")),
          codeOf(await admin.call("GET", "/v1/admin/identities?state=all")),
          codeOf(await admin.call("POST", "/v1/admin/identities/x", { body: { decision: "merge" } })),
          codeOf(
            await admin.call("POST", "/v1/admin/identities/00000000-0000-4000-8000-000000000000", {
              body: { decision: "merge" },
            }),
          ),
          codeOf(await admin.call("POST", "/v1/admin/identities/x", { body: { decision: "merge", ownerId: "x" } })),
        ],
        ["forbidden", "forbidden", "unauthorized", "invalid_request", "not_found", "not_found", "invalid_request"],
      );
    });

    it("never give a leaver's keys to who has the address after them", async () => {
      await kind.query("update owners set blocked_at = now() where email = 'grace@example.com'");
      renumber("grace@example.com", "subject-new");
      const tried = await outcome(running, "grace@example.com");
      assert.deepStrictEqual([tried, await decide("merge")], ["identity_conflict", "conflict"]);
    });

    async function keyOf(caller: Caller): Promise<string> {
      const { recipient, headers } = await createKit();
      const made = await caller.call("POST", "/v1/keys", { body: { name: "laptop", recipient }, headers });
      return CreateKeyAnswer.parse(made.body).key.id;
    }

    async function keysOf(caller: Caller): Promise<string[]> {
      return KeysAnswer.parse((await caller.call("GET", "/v1/keys")).body).keys.map(({ id }) => id);
    }

    for (const state of ["left", "not been seen to leave yet"] as const) {
      it(`are two people by a separation when the first has ${state}: the address goes on, the keys do not`, async () => {
        const key = await keyOf(grace);
        if (state === "left")
          await kind.query("update owners set blocked_at = now() where email = 'grace@example.com'");
        renumber("grace@example.com", "subject-new");
        await outcome(running, "grace@example.com");
        const decided = await decide("separate");
        const oldSession = codeOf(await grace.call("GET", "/v1/me"));
        const newcomer = await running.signIn("grace@example.com");
        const all = await admin.call("GET", "/v1/admin/keys");
        const listed = JSON.stringify(all.body);
        const audit = JSON.stringify((await admin.call("GET", "/v1/admin/audit")).body);
        renumber("grace@example.com", "subject-1");
        assert.deepStrictEqual(
          {
            decided,
            oldSession,
            newcomersKeys: await keysOf(newcomer),
            companySees: [listed.includes(key), /"formerly grace@example\.com \([0-9a-f]{8}\)"/.test(listed)],
            audited: audit.includes("identity.separate"),
            left: (await waiting()).length,
            theOldOneComesBack: await outcome(running, "grace@example.com"),
          },
          {
            decided: "204",
            oldSession: "unauthorized",
            newcomersKeys: [],
            companySees: [true, true],
            audited: true,
            left: 0,
            theOldOneComesBack: "identity_conflict",
          },
        );
      });
    }

    it("are two people by a separation also when the one that came was known already, who keeps what they have", async () => {
      const linus = await running.signIn("linus@example.com");
      const key = await keyOf(linus);
      people.splice(1, 1);
      const index = people.findIndex(({ email }) => email === "linus@example.com");
      const person = people[index];
      assert.ok(person !== undefined);
      people[index] = { ...person, email: "grace@example.com" };
      await outcome(running, "grace@example.com");
      const decided = await decide("separate");
      const renamed = await running.signIn("grace@example.com");
      assert.deepStrictEqual([decided, await keysOf(renamed)], ["204", [key]]);
    });

    it("give nothing to one that was cut off here", async () => {
      await running.signIn("linus@example.com");
      people.splice(1, 1);
      const index = people.findIndex(({ email }) => email === "linus@example.com");
      const person = people[index];
      assert.ok(person !== undefined);
      people[index] = { ...person, email: "grace@example.com" };
      await outcome(running, "grace@example.com");
      await kind.query("update owners set blocked_at = now() where email = 'linus@example.com'");
      assert.deepStrictEqual(
        [await decide("separate"), codeOf(await grace.call("GET", "/v1/me"))],
        ["conflict", "200"],
      );
    });

    it("stay separated: nothing of it is decided twice, and a refusal can still become one", async () => {
      renumber("grace@example.com", "subject-new");
      await outcome(running, "grace@example.com");
      const [conflict] = await waiting();
      const path = `/v1/admin/identities/${conflict?.id}`;
      const codes: string[] = [];
      for (const decision of ["refuse", "separate", "merge", "separate", "refuse"]) {
        codes.push(codeOf(await admin.call("POST", path, { body: { decision } })));
      }
      assert.deepStrictEqual(
        [codes, await outcome(running, "grace@example.com")],
        [["204", "204", "conflict", "conflict", "conflict"], "signed in"],
      );
    });

    it("do not become one when the one that came has keys of its own", async () => {
      const linus = await attempt(running, "linus@example.com");
      people.splice(1, 1);
      const index = people.findIndex(({ email }) => email === "linus@example.com");
      const person = people[index];
      assert.ok(person !== undefined && "token" in linus);
      people[index] = { ...person, email: "grace@example.com" };
      const tried = await outcome(running, "grace@example.com");
      assert.deepStrictEqual([tried, await decide("merge")], ["identity_conflict", "conflict"]);
    });

    it("are decided once, by whoever is first", async () => {
      const other = await running.signIn("linus@example.com");
      renumber("grace@example.com", "subject-new");
      await outcome(running, "grace@example.com");
      const [conflict] = await waiting();
      const answers = await Promise.all(
        [admin, other].map((by) =>
          by.call("POST", `/v1/admin/identities/${conflict?.id}`, { body: { decision: "merge" } }),
        ),
      );
      const codes = answers.map(codeOf);
      assert.deepStrictEqual(codes.toSorted(), ["204", "conflict"]);
    });
  });
}
