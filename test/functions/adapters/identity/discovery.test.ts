import assert from "node:assert/strict";

import type { IssuerDocuments } from "../../../../functions/adapters/identity/discovery.ts";
import { createIssuerDocuments } from "../../../../functions/adapters/identity/discovery.ts";
import type { IssuerFetch } from "../../../../functions/adapters/identity/fetch-json.ts";
import type { Stores } from "../../../../functions/adapters/postgres/stores.ts";
import type { IssuerKind } from "../../../../functions/policy/issuer-kind.ts";
import { databaseKinds } from "../../../support/databases.ts";
import type { Issuer } from "../../../support/issuer/issuer.ts";
import { startIssuer } from "../../../support/issuer/issuer.ts";

const minute = 60_000;
const hour = 60 * minute;
const discovery = "/.well-known/openid-configuration";

for (const kind of databaseKinds) {
  describe(`an issuer's documents on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let issuer: Issuer;
    let now: number;

    beforeEach(async () => {
      stores = await kind.open();
      issuer = await startIssuer({ redirectUris: [] });
      now = Date.parse("2026-11-25T10:00:00Z");
    });

    afterEach(async () => {
      await issuer.stop();
      await stores.close();
    });

    /** As another process of the function would: with nothing in memory. */
    function open(): IssuerDocuments {
      const means = { fetch, cache: stores.documents, clock: () => now };
      return createIssuerDocuments(means, { issuer: issuer.url, provider: "other" });
    }

    function asked(): readonly (number | undefined)[] {
      return [discovery, "/jwks"].map((path) => issuer.requests.get(path));
    }

    it("are fetched once by many at the same moment, and kept for every process", async () => {
      const first = open();
      await Promise.all(Array.from({ length: 20 }, () => first.keys.read()));
      await open().keys.read();
      assert.deepStrictEqual(asked(), [1, 1]);
    });

    it("are fetched anew after a day, the keys after ten minutes", async () => {
      const documents = open();
      const counts = [];
      for (const passed of [0, 9 * minute, 2 * minute, 23 * hour, 2 * hour]) {
        now += passed;
        await documents.keys.read();
        counts.push(asked());
      }
      assert.deepStrictEqual(counts, [
        [1, 1],
        [1, 1],
        [1, 2],
        [1, 3],
        [2, 4],
      ]);
    });

    it("serve a new process while the issuer is away, the keys for a day, with a pause between tries", async () => {
      await open().keys.read();
      issuer.setFault({ path: /./, status: 503 });
      now += 23 * hour;
      const late = open();
      const keys = await late.keys.read();
      await late.keys.read();
      const tries = asked();
      now += 2 * hour;
      await assert.rejects(open().keys.read(), { name: "IssuerError", kind: "unavailable" });
      assert.deepStrictEqual([keys.keys.length, tries], [1, [1, 2]]);
    });

    it("are asked for again at a key that is not known, but not twice within half a minute", async () => {
      const { keys } = open();
      await keys.read();
      const counts = [];
      for (const passed of [0, 29_000, 2_000, 0, 31_000]) {
        now += passed;
        await keys.renew();
        counts.push(issuer.requests.get("/jwks"));
      }
      assert.deepStrictEqual(counts, [1, 1, 2, 2, 3]);
    });

    it("that another version kept in another form are fetched anew", async () => {
      await stores.documents.write(`${issuer.url}${discovery}`, { body: '{"other":1}', fetchedAt: now });
      await open().discover();
      assert.equal(issuer.requests.get(discovery), 1);
    });

    it("that are older never replace newer ones", async () => {
      await stores.documents.write("x", { body: "new", fetchedAt: now });
      await stores.documents.write("x", { body: "old", fetchedAt: now - 1 });
      assert.equal((await stores.documents.read("x"))?.body, "new");
    });

    const honest = {
      issuer: "https://login.example.com",
      authorization_endpoint: "https://login.example.com/authorize",
      token_endpoint: "https://login.example.com/token",
      jwks_uri: "https://login.example.com/keys",
    };
    const google = { ...honest, token_endpoint: "https://oauth2.googleapis.com/token" };
    const cases: Readonly<Record<string, readonly [IssuerKind, object, boolean]>> = {
      "its own addresses": ["entra", honest, true],
      "another name": ["other", { ...honest, issuer: "https://login.example.com/" }, false],
      "an address without encryption": ["other", { ...honest, jwks_uri: "http://login.example.com/keys" }, false],
      "an address on this machine": ["other", { ...honest, jwks_uri: "http://127.0.0.1/keys" }, false],
      "an address with a user in it": ["other", { ...honest, jwks_uri: "https://a@evil.example/keys" }, false],
      "keys on another host where any host will do": ["other", { ...honest, jwks_uri: "https://cdn.example/k" }, true],
      "keys on another host at Entra": ["entra", { ...honest, jwks_uri: "https://evil.example/keys" }, false],
      "keys on another host at Okta": ["okta", { ...honest, jwks_uri: "https://evil.example/keys" }, false],
      "Google's addresses at Google": ["google", google, true],
      "Google's addresses at Entra": ["entra", google, false],
      "a likeness of Google's addresses": [
        "google",
        { ...honest, token_endpoint: "https://googleapis.com.evil.example/token" },
        false,
      ],
      "no keys": ["other", { ...honest, jwks_uri: undefined }, false],
    };
    for (const [name, [provider, description, isTaken]] of Object.entries(cases)) {
      it(`that name ${name} are ${isTaken ? "taken" : "refused"}`, async () => {
        const answer: IssuerFetch = async () => ({
          status: 200,
          headers: { get: () => null },
          text: () => Promise.resolve(JSON.stringify(description)),
        });
        const means = { fetch: answer, cache: stores.documents, clock: () => now };
        const { discover } = createIssuerDocuments(means, { issuer: "https://login.example.com", provider });
        const outcome = await discover().then(
          () => true,
          () => false,
        );
        assert.equal(outcome, isTaken);
      });
    }
  });
}
