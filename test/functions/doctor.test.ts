import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { connectEmbedded } from "../../functions/adapters/postgres/connect.ts";
import { inspectEmbedded, inspectPostgres } from "../../functions/adapters/postgres/inspect.ts";
import type { Check } from "../../functions/doctor/check.ts";
import { examine } from "../../functions/doctor/examine.ts";
import { readSettings } from "../../functions/settings.ts";
import { wait } from "../../functions/targets/host.ts";
import { databaseKinds, dump, copyTemplate } from "../support/databases.ts";
import type { GoogleStandIn } from "../support/directory/google.ts";
import { googleAdmin, startGoogle } from "../support/directory/google.ts";
import type { GraphStandIn } from "../support/directory/graph.ts";
import { startGraph } from "../support/directory/graph.ts";
import type { RunningFunction } from "../support/function.ts";
import { startFunction } from "../support/function.ts";
import { gitHubClientId, startGitHub } from "../support/github.ts";

const secret = "planted-secret-of-more-than-32-characters";
type Settings = Readonly<Record<string, string | undefined>>;

describe("npm run doctor", function () {
  this.timeout(60_000);
  const [, server] = databaseKinds;
  let running: RunningFunction;
  let google: GoogleStandIn;
  let graph: GraphStandIn;
  let database: string;
  let well: Readonly<Record<string, string>>;

  before(async () => {
    [google, graph] = await Promise.all([startGoogle(), startGraph()]);
    google.users.set("canary@example.com", { id: "1", primaryEmail: "canary@example.com" });
    graph.put({ id: "canary@example.com", userPrincipalName: "canary@example.com", accountEnabled: true });
    running = await startFunction({ stores: await server.open() });
    database = await copyTemplate();
    const { openRouter, issuer } = running;
    well = {
      PUBLIC_URL: running.url,
      DATABASE_URL: database,
      OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
      OPENROUTER_BASE_URL: openRouter.apiUrl,
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: issuer.clientId,
      OIDC_CLIENT_SECRET: issuer.clientSecret,
      ALLOWED_DOMAINS: "example.com",
      ADMIN_EMAILS: "ada@example.com,grace@example.com",
      GOOGLE_SA_KEY_JSON: JSON.stringify(google.serviceAccountKey),
      GOOGLE_DIRECTORY_SUBJECT: googleAdmin,
      GOOGLE_DIRECTORY_URL: google.url,
      DIRECTORY_CANARY: "canary@example.com",
      SCIM_TOKEN: `scim-${secret}`,
      CRON_SECRET: secret,
      NIGHTLY_MODE: "enforce",
    };
  });
  after(() => Promise.all([running.stop(), google.stop(), graph.stop()]));

  async function examineWith(changes: Settings): Promise<readonly Check[]> {
    const environment = { ...well, ...changes };
    const settings = readSettings(environment);
    const { databaseUrl, dataDir } = settings;
    const inspectDatabase = () => (databaseUrl === undefined ? inspectEmbedded(dataDir) : inspectPostgres(databaseUrl));
    const means = { fetch, clock: Date.now, wait, inspectDatabase };
    return examine(settings, environment, means, AbortSignal.timeout(20_000));
  }

  /** What is not right, as "about: state", with all of its sentences. */
  async function faultsWith(changes: Settings): Promise<readonly (readonly [string, string])[]> {
    const checks = await examineWith(changes);
    const planted = Object.entries({ ...well, ...changes }).flatMap(([name, value]) =>
      /KEY|SECRET|TOKEN/.test(name) && value !== undefined ? [value] : [],
    );
    const said = JSON.stringify(checks);
    for (const value of [...planted, new URL(database).password]) assert.ok(!said.includes(value), said);
    return checks
      .filter(({ state, about }) => state !== "good" && about !== "PUBLIC_URL")
      .map(({ about, state, found, mend = "" }) => [`${about}: ${state}`, `${found} ${mend}`]);
  }

  it("finds nothing wrong with a deployment that works, and changes nothing", async () => {
    const before = [await dump(server), running.openRouter.keys().length];
    running.openRouter.clearRequests();
    const child = spawn(process.execPath, ["functions/targets/doctor.ts"], {
      env: { PATH: process.env["PATH"], ...well },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
    assert.deepStrictEqual(
      [child.exitCode, said.trimEnd().split("\n").at(-1)],
      [0, "10 right, 1 to look at, 0 wrong"],
      said,
    );
    assert.match(said, /^! PUBLIC_URL: .*only people on this machine can reach it\.\n {4}→ /m);
    for (const value of [secret, running.openRouter.managementKey, running.issuer.clientSecret, "PRIVATE"]) {
      assert.ok(!said.includes(value), said);
    }
    assert.deepStrictEqual([await dump(server), running.openRouter.keys().length], before);
    assert.deepStrictEqual(
      running.openRouter.requests.filter(({ method }) => method !== "GET"),
      [],
    );
  });

  it("says each setting that cannot be read and ends with 1", async () => {
    const child = spawn(process.execPath, ["functions/targets/doctor.ts"], {
      env: { PATH: process.env["PATH"], ...well, ALLOWED_DOMAINS: "", NIGHTLY_MODE: secret },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = await Promise.all([text(child.stdout), once(child, "close")]);
    assert.equal(child.exitCode, 1);
    assert.match(said, /✘ Settings: NIGHTLY_MODE must be report or enforce[^]*✘ Settings: ALLOWED_DOMAINS is missing/);
    assert.ok(!said.includes(secret));
  });

  const other = (path: string, query = "") => {
    const url = new URL(database);
    if (path !== "") url.pathname = path;
    return `${url.href}${query}`;
  };
  const wrongPassword = () => {
    const url = new URL(database);
    url.password = `planted-${secret}`;
    return url.href;
  };
  const plan = (fields: object) => ({ match: "everyone", ...fields });

  const faults: Readonly<Record<string, readonly [settings: () => Settings, about: string, said: RegExp]>> = {
    "the database is away": [
      () => ({ DATABASE_URL: `postgres://user:planted-${secret}@127.0.0.1:1/none` }),
      "Database in DATABASE_URL: fault",
      /cannot be reached\. Start it/,
    ],
    "the database's password is wrong": [
      () => ({ DATABASE_URL: wrongPassword() }),
      "Database in DATABASE_URL: fault",
      /28P01.*Correct the user and the password/,
    ],
    "there is no such database": [
      () => ({ DATABASE_URL: other("/nowhere") }),
      "Database in DATABASE_URL: fault",
      /3D000.*Create the database/,
    ],
    "the database is empty": [
      () => ({ DATABASE_URL: other("/postgres") }),
      "Database in DATABASE_URL: hint",
      /\d+ migrations are not applied yet.*npm run migrate/,
    ],
    "there is no embedded database yet": [
      () => ({ DATABASE_URL: undefined, DATA_DIR: "nowhere" }),
      "Database in nowhere: hint",
      /makes it when it first starts/,
    ],
    "the management key is unknown": [
      () => ({ OPENROUTER_MANAGEMENT_KEY: `planted-${secret}` }),
      "OPENROUTER_MANAGEMENT_KEY: fault",
      /refuses it \(401\)\. Make a new one/,
    ],
    "OpenRouter is elsewhere": [
      () => ({ OPENROUTER_BASE_URL: `${running.url}/api/v1` }),
      "OPENROUTER_MANAGEMENT_KEY: fault",
      /answered 404 and not as OpenRouter does\. Check OPENROUTER_BASE_URL/,
    ],
    "a plan's workspace and guardrail are unknown": [
      () => ({ PLANS: JSON.stringify([plan({ workspaceId: "elsewhere" })]) }),
      'PLANS, workspaceId "elsewhere": fault',
      /Copy the id/,
    ],
    "a plan's guardrail is unknown": [
      () => ({ PLANS: JSON.stringify([plan({ guardrailId: "none" })]) }),
      'PLANS, guardrailId "none": fault',
      /Copy the id/,
    ],
    "a plan is never reached": [
      () => ({ PLANS: JSON.stringify([plan({}), { match: { domains: ["example.com"] } }]) }),
      "PLANS, plan 2: fault",
      /never used.*Move plan 1 to the end/,
    ],
    "a plan's usual key is more than its budget": [
      () => ({ PLANS: JSON.stringify([plan({ budgetUsd: 10 })]) }),
      "PLANS, plan 1: fault",
      /Lower defaultKeyUsd/,
    ],
    "nobody else has a plan": [
      () => ({ PLANS: JSON.stringify([{ match: { domains: ["example.com"] } }]) }),
      "PLANS: hint",
      /matches no plan/,
    ],
    "the issuer names itself otherwise": [
      () => ({ OIDC_ISSUER: `${running.issuer.url}/` }),
      "OIDC_ISSUER: fault",
      /mind a slash at the end/,
    ],
    "the client's secret is wrong": [
      () => ({ OIDC_CLIENT_SECRET: `planted-${secret}` }),
      "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: fault",
      /refuses this client.*Copy both anew/,
    ],
    "there is one administrator": [() => ({ ADMIN_EMAILS: "ada@example.com" }), "ADMIN_EMAILS: hint", /a second one/],
    "an administrator is of another domain": [
      () => ({ ADMIN_EMAILS: "ada@example.com,eve@example.net" }),
      "ADMIN_EMAILS: hint",
      /eve@example\.net cannot be of ALLOWED_DOMAINS/,
    ],
    "the canary is somebody who left": [
      () => {
        google.users.set("left@example.com", { id: "2", primaryEmail: "left@example.com", suspended: true });
        return { DIRECTORY_CANARY: "left@example.com" };
      },
      "Directory, Google: fault",
      /not seen active.*Name the id or address of somebody in DIRECTORY_CANARY/,
    ],
    "the administrator in whose name Google is asked has left": [
      () => ({ GOOGLE_DIRECTORY_SUBJECT: "gone@example.com" }),
      "Directory, Google: fault",
      /GOOGLE_DIRECTORY_SUBJECT, who may have left.*domain-wide delegation/,
    ],
    "Entra's secret is wrong": [
      () => ({
        ENTRA_TENANT_ID: graph.tenantId,
        ENTRA_CLIENT_ID: graph.clientId,
        ENTRA_CLIENT_SECRET: `planted-${secret}`,
        ENTRA_LOGIN_URL: graph.origin,
        GRAPH_URL: graph.url,
      }),
      "Directory, Microsoft Entra: fault",
      /User\.Read\.All is granted/,
    ],
    "there is no canary": [
      () => ({ DIRECTORY_CANARY: undefined }),
      "Directory, Google: fault",
      /Asked about the first of ADMIN_EMAILS/,
    ],
    "there is no directory": [
      () => ({
        GOOGLE_SA_KEY_JSON: undefined,
        GOOGLE_DIRECTORY_SUBJECT: undefined,
        GOOGLE_DIRECTORY_URL: undefined,
        SCIM_TOKEN: undefined,
      }),
      "Directory: hint",
      /nobody is ever found to have left/,
    ],
    "the SCIM token is short": [() => ({ SCIM_TOKEN: "planted-short" }), "SCIM_TOKEN: fault", /openssl rand/],
    "the cron secret is short": [() => ({ CRON_SECRET: "planted-short" }), "CRON_SECRET: fault", /openssl rand/],
    "nothing calls the nightly run": [() => ({ CRON_SECRET: undefined }), "CRON_SECRET: hint", /NIGHTLY_SCHEDULE/],
    "the nightly run only reports": [() => ({ NIGHTLY_MODE: undefined }), "NIGHTLY_MODE: hint", /set it to enforce/],
    "the collector is away": [
      () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }),
      "OTEL_EXPORTER_OTLP_ENDPOINT: hint",
      /Start the collector/,
    ],
  };
  for (const [name, [settings, about, said]] of Object.entries(faults)) {
    it(`says so, and how to mend it, when ${name}`, async () => {
      const found = await faultsWith(settings());
      assert.deepStrictEqual(
        found.map(([about]) => about),
        [about],
        JSON.stringify(found),
      );
      assert.match(found[0]?.[1] ?? "", said);
    });
  }

  it("tries a GitHub App, and knows one that it does not know", async () => {
    const github = await startGitHub();
    try {
      const settings = (clientSecret: string) => ({
        OIDC_ISSUER: undefined,
        OIDC_CLIENT_ID: undefined,
        OIDC_CLIENT_SECRET: undefined,
        GITHUB_APP_CLIENT_ID: gitHubClientId,
        GITHUB_APP_CLIENT_SECRET: clientSecret,
        GITHUB_ORGANIZATION: "example",
        GITHUB_URL: github.url,
        GITHUB_API_URL: github.url,
      });
      const wrong = await faultsWith(settings(`planted-${secret}`));
      assert.deepStrictEqual(
        [await faultsWith(settings(github.clientSecret)), wrong.map(([about]) => about)],
        [[], ["GITHUB_APP_CLIENT_ID and GITHUB_APP_CLIENT_SECRET: fault"]],
      );
    } finally {
      await github.stop();
    }
  });

  it("knows its own address from another's, and passes on what the function says of itself", async () => {
    const stranger = createServer((_request, response) => response.end("<h1>Welcome</h1>"));
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    const address = stranger.address();
    const elsewhere = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    const about = async (url: string) =>
      (await examineWith({ PUBLIC_URL: url })).find((check) => check.about === "PUBLIC_URL");
    const [strange, nobody] = [await about(elsewhere), await about("http://127.0.0.1:9")];
    await new Promise((resolve) => stranger.close(resolve));
    assert.deepStrictEqual([strange?.state, nobody?.state], ["fault", "hint"]);
    assert.match(strange?.found ?? "", /Something else answers/);
  });

  it("looks at a copy of the embedded database, and not at one that is in use", async () => {
    const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-doctored-"));
    try {
      await (await connectEmbedded(folder)).close();
      const files = await readdir(folder, { recursive: true });
      const state = await inspectEmbedded(folder);
      assert.deepStrictEqual(
        [state.kind, state.kind === "open" && state.pending, await readdir(folder, { recursive: true })],
        ["open", 0, files],
      );
      await writeFile(join(folder, "process.lock"), String(process.ppid));
      assert.deepStrictEqual(await inspectEmbedded(folder), { kind: "in use", process: process.ppid });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
