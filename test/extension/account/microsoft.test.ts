import assert from "node:assert/strict";

import { createFunctionClient } from "../../../extension/account/function-client.ts";
import { createSignInWithMicrosoft } from "../../../extension/account/microsoft.ts";
import { CancelledError } from "../../../extension/base/errors.ts";
import { account, base, createFakeFunction, type Fault, token } from "../support/fake-function.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const here = { base, origin: base };
const tenantId = "11111111-2222-4333-8444-555555555555";
const audience = "33333333-2222-4333-8444-555555555555";
const microsoftToken = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";
const signedIn = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false };

const offerRoute = "GET /v1/auth/entra";
const tradeRoute = "POST /v1/auth/entra";

function createHarness(faults: readonly (readonly [route: string, fault: Fault])[]) {
  const remote = createFakeFunction();
  remote.faults.push(...faults);
  const log = createRecordingLog();
  const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
  const scopes: (readonly string[])[] = [];
  let answer: () => Promise<string> = async () => microsoftToken;
  const signIn = createSignInWithMicrosoft({
    client,
    ask: (wanted) => {
      scopes.push(wanted);
      return answer();
    },
    log,
  });
  const stop = new AbortController();
  let turns = 0;
  return {
    remote,
    log,
    scopes,
    stop,
    answers: (next: () => Promise<string>) => (answer = next),
    turns: () => turns,
    signIn: () => signIn(here, stop.signal, () => (turns += 1)),
    asked: () => remote.requests.map(({ method, url, body }) => `${method} ${url.replace(base, "")} ${body}`.trim()),
  };
}

describe("signing in with the editor's Microsoft account", () => {
  it("asks for one permission of the function's own API in its tenant, and trades the token once", async () => {
    const harness = createHarness([
      [offerRoute, Response.json({ tenantId, audience })],
      [tradeRoute, Response.json(signedIn)],
    ]);
    assert.deepEqual(
      [await harness.signIn(), harness.scopes, harness.turns(), harness.asked()],
      [
        { kind: "signed-in", answer: signedIn },
        [[`api://${audience}/access`, `VSCODE_TENANT:${tenantId}`]],
        1,
        ["GET /v1/auth/entra", `POST /v1/auth/entra {"accessToken":"${microsoftToken}"}`],
      ],
    );
    assert.ok(!harness.log.lines.join().includes("eyJ"));
  });

  for (const [situation, answer] of [
    ["does not offer it", { code: "not_found" }],
    ["is older than this", { code: "not_found", detail: "There is nothing at this address." }],
    ["names an API by its address", Response.json({ tenantId, audience: "https://graph.microsoft.com" })],
    [
      "smuggles another permission in",
      Response.json({ tenantId, audience: `${audience}/access https://graph.microsoft.com` }),
    ],
    ["names a tenant by a word", Response.json({ tenantId: "common", audience })],
    ["answers nonsense", new Response("<html>")],
    ["does not answer", "lost-request"],
  ] as const satisfies readonly (readonly [string, Fault])[]) {
    it(`is off, and Microsoft is not asked, where the function ${situation}`, async () => {
      const harness = createHarness([[offerRoute, answer]]);
      assert.deepEqual([await harness.signIn(), harness.scopes, harness.turns()], [{ kind: "off" }, [], 0]);
    });
  }

  it("has failed when the person says no, and nothing is sent", async () => {
    const harness = createHarness([[offerRoute, Response.json({ tenantId, audience })]]);
    harness.answers(() => Promise.reject(new Error("User did not consent to login.")));
    assert.deepEqual([await harness.signIn(), harness.asked()], [{ kind: "failed" }, ["GET /v1/auth/entra"]]);
  });

  for (const code of ["unauthorized", "forbidden", "upstream_unavailable", "rate_limited"] as const) {
    it(`has failed when the function answers ${code}, without a second try`, async () => {
      const harness = createHarness([
        [offerRoute, Response.json({ tenantId, audience })],
        [tradeRoute, { code }],
      ]);
      assert.deepEqual([await harness.signIn(), harness.asked().length], [{ kind: "failed" }, 2]);
    });
  }

  it("ends at once when the person cancels while Microsoft's dialog is open", async () => {
    const harness = createHarness([[offerRoute, Response.json({ tenantId, audience })]]);
    harness.answers(() => {
      queueMicrotask(() => harness.stop.abort());
      return new Promise<never>(() => {});
    });
    const error = await harness.signIn().catch((caught: unknown) => caught);
    assert.deepEqual([error instanceof CancelledError, harness.asked()], [true, ["GET /v1/auth/entra"]]);
  });
});
