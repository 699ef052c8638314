import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import connect from "postgres";

import { connectEmbedded } from "../../../functions/adapters/postgres/connect.ts";
import { CreateKeyAnswer } from "../../../functions/contract/keys.ts";
import { copyTemplate } from "../../support/databases.ts";
import type { FunctionProcess } from "../../support/function-process.ts";
import { bundleFunction, startFunctionProcess } from "../../support/function-process.ts";
import type { Answer, CreateKit } from "../../support/function.ts";
import { call, createKit, getCode } from "../../support/function.ts";
import type { Issuer } from "../../support/issuer/issuer.ts";
import { startIssuer } from "../../support/issuer/issuer.ts";
import type { OpenRouterStandIn } from "../../support/openrouter/stand-in.ts";
import { startOpenRouter } from "../../support/openrouter/stand-in.ts";
import type { Postgres } from "../../support/postgres/postgres.ts";
import { startPostgres } from "../../support/postgres/postgres.ts";

describe("the function as a process", function () {
  this.timeout(90_000);
  let openRouter: OpenRouterStandIn;
  let issuer: Issuer;
  let folder: string;
  let program: string;
  /** As a first start leaves it, which takes several times as long as the next; who needs one takes a copy. */
  let started: string;
  let running: FunctionProcess | undefined;

  before(async () => {
    program = (await bundleFunction()).server;
    started = await mkdtemp(join(tmpdir(), "openrouter-keys-started-"));
    await (await connectEmbedded(started)).close();
  });
  after(() => rm(started, { recursive: true, force: true }));

  beforeEach(async () => {
    openRouter = await startOpenRouter();
    issuer = await startIssuer({ redirectUris: [] });
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-"));
  });

  afterEach(async () => {
    await running?.kill();
    running = undefined;
    await Promise.all([openRouter.stop(), issuer.stop(), rm(folder, { recursive: true, force: true })]);
  });

  const settings = () => ({
    PORT: "0",
    DATA_DIR: folder,
    OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
    OPENROUTER_BASE_URL: openRouter.apiUrl,
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_ID: issuer.clientId,
    OIDC_CLIENT_SECRET: issuer.clientSecret,
    ALLOWED_DOMAINS: "example.com",
  });

  async function start(environment: Readonly<Record<string, string>> = {}, by = program): Promise<FunctionProcess> {
    running = await startFunctionProcess({ ...settings(), ...environment }, by);
    issuer.setRedirectUris([`${running.url}/v1/auth/callback`]);
    return running;
  }

  it("keeps sessions and keys over a restart, and ends with 0 on SIGTERM", async () => {
    await cp(started, folder, { recursive: true });
    // As the sources are run; what starts below is the same in one file.
    const first = await start({}, "functions/targets/node.ts");
    const token = await signIn(first.url);
    const kit = await createKit();
    const made = await create(first.url, token, kit);
    const code = await first.terminate();
    const second = await start();
    const again = await create(second.url, token, kit);
    assert.deepStrictEqual([made.status, code, again.status, again.body], [201, 0, 201, made.body]);
  });

  it("finishes the request under way before it ends", async () => {
    const { url, terminate } = await start({ DATABASE_URL: await copyTemplate() });
    const token = await signIn(url);
    openRouter.faults.add({ method: "POST", path: "/keys", fault: { kind: "latency", ms: 1_000 } });
    const creating = create(url, token, await createKit());
    await until(() => openRouter.requests.some((request) => request.method === "POST"));
    const [made, code] = await Promise.all([creating, terminate()]);
    assert.deepStrictEqual([made.status, code], [201, 0]);
  });

  it("ends with exactly one key when it is killed while OpenRouter makes it", async () => {
    await cp(started, folder, { recursive: true });
    const { url, kill } = await start();
    const token = await signIn(url);
    const kit = await createKit();
    openRouter.faults.add({ method: "POST", path: "/keys", times: 1, fault: { kind: "hang", when: "after" } });
    const lost = create(url, token, kit).catch(() => undefined);
    await until(() => openRouter.keys().length === 1);
    await kill();
    await lost;

    const second = await start();
    const made = await createUntilMade(second.url, token, kit);
    const listed = await call(second.url, "GET", "/v1/keys", { headers: bearer(token) });
    assert.deepStrictEqual([made.status, openRouter.keys().length, Object(listed.body).keys.length], [201, 1, 1]);
  });

  it("says in one sentence why it cannot start, with nothing of the secrets", async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, "127.0.0.1", resolve));
    const address = blocker.address();
    const taken = String(typeof address === "object" ? address?.port : "");
    const faults: Readonly<Record<string, [Readonly<Record<string, string>>, RegExp]>> = {
      port: [
        { PORT: taken, DATABASE_URL: await copyTemplate() },
        /^The port is already in use\. Stop what listens there, or set PORT/,
      ],
      database: [
        { DATABASE_URL: "postgres://user:planted-password@127.0.0.1:1/none" },
        /^The database in DATABASE_URL cannot be reached\./,
      ],
      settings: [{ OIDC_ISSUER: "" }, /OIDC_ISSUER is missing/],
    };
    const said: Record<string, boolean> = {};
    for (const [name, [environment, sentence]] of Object.entries(faults)) {
      const message = await start(environment).then(
        () => "it started",
        (error: Error) => error.message,
      );
      said[name] = sentence.test(message) && !message.includes("planted") && !message.includes("    at ");
    }
    await new Promise((resolve) => blocker.close(resolve));
    assert.deepStrictEqual(said, { port: true, database: true, settings: true });
  });

  it("keeps a second process away from the embedded database", async () => {
    await cp(started, folder, { recursive: true });
    await start();
    const message = await startFunctionProcess(settings(), program).then(
      () => "it started",
      (error: Error) => error.message,
    );
    assert.match(message, /is in use by process \d+\. Stop that one first, or name a DATABASE_URL/);
  });

  describe("with PostgreSQL", () => {
    let postgres: Postgres;
    before(async () => {
      postgres = await startPostgres();
    });
    after(() => postgres.stop());

    it("survives a database that goes away between OpenRouter's answer and the confirmation", async () => {
      const database = await postgres.createDatabase();
      const { url, output } = await start({ DATABASE_URL: database });
      const token = await signIn(url);
      const kit = await createKit();
      openRouter.faults.add({
        method: "POST",
        path: "/keys",
        times: 1,
        fault: { kind: "latency", ms: 700, when: "after" },
      });
      const creating = create(url, token, kit);
      await until(() => openRouter.keys().length === 1);
      await postgres.stopAbruptly();
      const lost = await creating;
      const health = await call(url, "GET", "/v1/health");
      await postgres.restart();
      await endLeases(database);
      const made = await createUntilMade(url, token, kit);
      const secret = await kit.open(CreateKeyAnswer.parse(made.body).sealedSecret ?? "");
      const listed = await call(url, "GET", "/v1/keys", { headers: bearer(token) });
      assert.deepStrictEqual(
        {
          lost: [lost.status, Object(lost.body).code],
          health: [health.status, health.body],
          made: made.status,
          live: openRouter.keys().length,
          listed: Object(listed.body).keys.length,
          leaked: output().includes(secret),
        },
        {
          lost: [503, "database_unavailable"],
          health: [503, { status: "degraded", reasons: ["The database cannot be reached."] }],
          made: 201,
          live: 1,
          listed: 1,
          leaked: false,
        },
      );
    });

    it("survives a database that goes away in the middle of transactions", async () => {
      const database = await postgres.createDatabase();
      const { url } = await start({ DATABASE_URL: database });
      const token = await signIn(url);
      const kits = await Promise.all(Array.from({ length: 4 }, createKit));
      const other = connect(database, { max: 1, onnotice: () => undefined });
      const holder = await other.reserve();
      await holder`begin`;
      await holder`select * from owners for update`;
      const creating = kits.map((kit) => create(url, token, kit));
      await until(
        async () => Number((await holder`select count(*) from pg_locks where not granted`)[0]?.["count"]) > 0,
      );
      await postgres.stopAbruptly();
      const lost = await Promise.all(creating);
      await postgres.restart();
      await until(async () => (await call(url, "GET", "/v1/health")).status === 200);
      const made = await Promise.all(kits.slice(0, 3).map((kit) => createUntilMade(url, token, kit)));
      await other.end({ timeout: 0 });
      assert.deepStrictEqual(
        [lost.map((answer) => answer.status), made.map((answer) => answer.status), openRouter.keys().length],
        [kits.map(() => 503), [201, 201, 201], 3],
      );
    });
  });
});

async function signIn(url: string): Promise<string> {
  const { code, verifier } = await getCode(url, "ada@example.com");
  const answer = await call(url, "POST", "/v1/auth/token", { body: { code, codeVerifier: verifier } });
  return String(Object(answer.body).sessionToken);
}

function create(url: string, token: string, kit: CreateKit): Promise<Answer> {
  return call(url, "POST", "/v1/keys", {
    body: { name: "laptop", recipient: kit.recipient },
    headers: { ...bearer(token), ...kit.headers },
  });
}

/** As a patient client: the same request until it is answered with a key. */
async function createUntilMade(url: string, token: string, kit: CreateKit): Promise<Answer> {
  let last: Answer | undefined;
  await until(async () => {
    last = await create(url, token, kit);
    return last.status === 201;
  }, 45_000);
  if (last === undefined) throw new Error("No create was answered.");
  return last;
}

/** As if the hold on what is under way had run out: nobody waits for that here. */
async function endLeases(database: string): Promise<void> {
  const client = connect(database, { max: 1 });
  const ended = await client`update keys set lease_until = 'epoch' where phase = 'reserved'`;
  await client.end();
  assert.equal(ended.count, 1, "one reservation was to be held");
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}

async function until(isTrue: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await isTrue()); await delay(20)) {
    if (Date.now() > deadline) throw new Error("It did not come true in time.");
  }
}
