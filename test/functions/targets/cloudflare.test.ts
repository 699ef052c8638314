import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

import { Miniflare } from "miniflare";

import { TokenAnswer } from "../../../functions/contract/account.ts";
import { CreateKeyAnswer } from "../../../functions/contract/keys.ts";
import { codeOf } from "../../support/callers.ts";
import { cronSecret } from "../../support/directory/company.ts";
import { copyTemplate } from "../../support/databases.ts";
import type { GoogleStandIn } from "../../support/directory/google.ts";
import { googleAdmin, startGoogle } from "../../support/directory/google.ts";
import { call, createKit, getCode } from "../../support/function.ts";
import type { Issuer } from "../../support/issuer/issuer.ts";
import { startIssuer } from "../../support/issuer/issuer.ts";
import { examplePeople } from "../../support/issuer/people.ts";
import type { OpenRouterStandIn } from "../../support/openrouter/stand-in.ts";
import { startOpenRouter } from "../../support/openrouter/stand-in.ts";

const run = promisify(execFile);

describe("the function on Cloudflare Workers", function () {
  this.timeout(120_000);
  let folder: string;
  let openRouter: OpenRouterStandIn;
  let issuer: Issuer;
  let google: GoogleStandIn;
  let workers: Miniflare;
  let url: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-worker-"));
    await run(process.execPath, ["esbuild.config.mjs", "--worker", folder]);
    const contents = await readFile(join(folder, "functions/cloudflare.js"), "utf8");
    [openRouter, google] = await Promise.all([startOpenRouter(), startGoogle()]);
    issuer = await startIssuer({ redirectUris: [] });
    for (const { subject, email } of examplePeople) google.users.set(subject, { id: subject, primaryEmail: email });
    // As `npm run migrate` leaves it before a version is deployed.
    const database = await copyTemplate();
    const options = (publicUrl: string) => ({
      modules: [{ type: "ESModule" as const, path: "cloudflare.js", contents }],
      compatibilityDate: "2026-06-01",
      compatibilityFlags: ["nodejs_compat"],
      unsafeTriggerHandlers: true,
      // The function's log is not for the test's reader.
      handleRuntimeStdio: (out: Readable, errors: Readable) => void [out.resume(), errors.resume()],
      hyperdrives: { HYPERDRIVE: database },
      bindings: {
        PUBLIC_URL: publicUrl,
        OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
        OPENROUTER_BASE_URL: openRouter.apiUrl,
        OIDC_ISSUER: issuer.url,
        OIDC_CLIENT_ID: issuer.clientId,
        OIDC_CLIENT_SECRET: issuer.clientSecret,
        ALLOWED_DOMAINS: "example.com",
        GOOGLE_SA_KEY_JSON: JSON.stringify(google.serviceAccountKey),
        GOOGLE_DIRECTORY_SUBJECT: googleAdmin,
        GOOGLE_DIRECTORY_URL: google.url,
        CRON_SECRET: cronSecret,
        NIGHTLY_MODE: "enforce",
        NIGHTLY_MIN_INTERVAL_SECONDS: "0",
      },
    });
    workers = new Miniflare({ ...options("http://127.0.0.1"), host: "127.0.0.1", port: 0 });
    url = (await workers.ready).href.replace(/\/$/, "");
    await workers.setOptions({ ...options(url), host: "127.0.0.1", port: Number(new URL(url).port) });
    issuer.setRedirectUris([`${url}/v1/auth/callback`]);
  });

  after(async () => {
    await workers.dispose();
    await Promise.all([openRouter.stop(), issuer.stop(), google.stop()]);
    await rm(folder, { recursive: true });
  });

  it("signs in, makes a key, and ends it by the runtime's own cron when its owner has left", async () => {
    assert.deepStrictEqual((await call(url, "GET", "/v1/health")).body, { status: "ok" });
    const { code, verifier } = await getCode(url, "grace@example.com");
    const token = await call(url, "POST", "/v1/auth/token", { body: { code, codeVerifier: verifier } });
    const headers = { Authorization: `Bearer ${TokenAnswer.parse(token.body).sessionToken}` };
    const kit = await createKit();
    const made = await call(url, "POST", "/v1/keys", {
      body: { name: "laptop", recipient: kit.recipient },
      headers: { ...headers, ...kit.headers },
    });
    const secret = await kit.open(CreateKeyAnswer.parse(made.body).sealedSecret ?? "");
    assert.match(secret, /^sk-or-v1-/);
    assert.equal((await call(url, "GET", "/v1/keys", { headers })).status, 200);

    const grace = examplePeople.find(({ email }) => email === "grace@example.com");
    assert.ok(grace !== undefined);
    google.users.set(grace.subject, { id: grace.subject, primaryEmail: grace.email, suspended: true });
    const outcome = await (await fetch(`${url}/cdn-cgi/handler/scheduled?format=json`)).json();
    assert.deepStrictEqual(
      [
        outcome.outcome,
        openRouter.keys().map(({ disabled }) => disabled),
        codeOf(await call(url, "GET", "/v1/me", { headers })),
      ],
      ["ok", [true], "unauthorized"],
    );
  });

  it("answers an outside scheduler too, and nobody without the secret", async () => {
    const right = { headers: { Authorization: `Bearer ${cronSecret}` } };
    const answers = await Promise.all([
      call(url, "GET", "/v1/cron/nightly"),
      call(url, "POST", "/v1/cron/nightly", right),
    ]);
    assert.deepStrictEqual(
      answers.map(({ status }) => status),
      [401, 200],
    );
  });

  it("follows no redirect of OpenRouter's", async () => {
    openRouter.faults.add({
      path: "/**",
      fault: { kind: "redirect", status: 302, location: `${openRouter.origin}/elsewhere` },
    });
    const summary = Object(
      (await call(url, "POST", "/v1/cron/nightly", { headers: { Authorization: `Bearer ${cronSecret}` } })).body,
    );
    openRouter.faults.reset();
    assert.equal(summary.partial, true);
    assert.ok(openRouter.requests.every(({ path }) => !path.includes("elsewhere")));
  });
});
