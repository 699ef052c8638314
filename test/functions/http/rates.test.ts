import assert from "node:assert/strict";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { clientAddress } from "../../../functions/http/client-address.ts";
import type { RateKind } from "../../../functions/policy/rates.ts";
import { minuteOf, mostRequestsPerMinute } from "../../../functions/policy/rates.ts";
import { sha256 } from "../../../functions/services/secrets.ts";
import { codeOf } from "../../support/callers.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Caller, RunningFunction } from "../../support/function.ts";
import { call, startFunction, startParameters } from "../../support/function.ts";

const minuteMs = 60_000;

for (const kind of databaseKinds) {
  describe(`requests in a minute, on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let running: RunningFunction;
    let other: RunningFunction;
    let ada: Caller;

    beforeEach(async () => {
      stores = await kind.open();
      running = await startFunction({ stores });
      other = await startFunction({ stores });
      ada = await running.signIn("ada@example.com");
      // All that follows lies within one minute.
      const toNextMinute = minuteMs - (Date.now() % minuteMs);
      running.advance(toNextMinute);
      other.advance(toNextMinute);
    });

    afterEach(async () => {
      await Promise.all([running.stop(), other.stop()]);
      await stores.close();
    });

    /** As if so many requests had come in this minute. */
    async function use(rate: RateKind, id: string, requests: number): Promise<void> {
      const minute = minuteOf(Date.now() + minuteMs - (Date.now() % minuteMs));
      for (let number = 0; number < requests; number += 1) await stores.rates.count([{ kind: rate, id }], minute);
    }

    it("are limited for each session, over all processes, with the time to wait", async () => {
      await use("session", await sha256(ada.token), mostRequestsPerMinute.session - 1);
      const answers = [await ada.call("GET", "/v1/me"), await ada.call("GET", "/v1/me")];
      const elsewhere = await call(other.url, "GET", "/v1/me", { headers: { Authorization: `Bearer ${ada.token}` } });
      const grace = await (await running.signIn("grace@example.com")).call("GET", "/v1/me");
      const wait = Number(answers[1]?.headers.get("Retry-After"));
      running.advance(minuteMs);
      const later = await ada.call("GET", "/v1/me");
      assert.deepStrictEqual(
        [answers.map(codeOf), codeOf(elsewhere), grace.status, wait >= 1 && wait <= 60, later.status],
        [["200", "rate_limited"], "rate_limited", 200, true, 200],
      );
    });

    it("are limited for sign-ins from one address", async () => {
      await use("signInsOfAddress", "127.0.0.1", mostRequestsPerMinute.signInsOfAddress);
      const start = new URL(startParameters(running.url).url);
      const answers = [
        await call(running.url, "GET", `${start.pathname}${start.search}`),
        await call(running.url, "POST", "/v1/auth/token", { body: { code: "x", codeVerifier: "x".repeat(43) } }),
        await ada.call("GET", "/v1/me"),
      ];
      assert.deepStrictEqual(answers.map(codeOf), ["rate_limited", "rate_limited", "200"]);
    });
  });
}

describe("the address of a client", () => {
  it("is what a proxy nearby says, and never what anybody else writes", () => {
    const cases: readonly (readonly [string | undefined, string | undefined, string])[] = [
      ["203.0.113.7", undefined, "203.0.113.7"],
      ["203.0.113.7", "198.51.100.9", "203.0.113.7"],
      ["127.0.0.1", "198.51.100.9", "198.51.100.9"],
      ["::ffff:10.1.2.3", "1.1.1.1, 198.51.100.9", "198.51.100.9"],
      ["172.31.0.1", "2001:db8::1", "2001:db8::1"],
      ["172.32.0.1", "198.51.100.9", "172.32.0.1"],
      ["::1", "<script>", "::1"],
      [undefined, undefined, "unknown"],
    ];
    assert.deepStrictEqual(
      cases.map(([peer, forwarded]) => clientAddress(peer, forwarded)),
      cases.map(([, , expected]) => expected),
    );
  });
});
