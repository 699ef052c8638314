import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { createInterface } from "node:readline";

import postgres from "postgres";

import { startPostgres } from "./postgres.ts";
import type { Postgres } from "./postgres.ts";

describe("the PostgreSQL for tests", () => {
  const ending: (() => Promise<unknown>)[] = [];
  let shared: Postgres;

  // Starting one is most of a test's time; the tests that end theirs in some way start their own.
  before(async () => {
    shared = await startPostgres();
  });

  after(() => shared.stop());

  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });

  async function start(): Promise<Postgres> {
    const server = await startPostgres();
    ending.push(() => server.stop());
    return server;
  }

  function open(url: string): postgres.Sql {
    const sql = postgres(url, { max: 2, connect_timeout: 5, backoff: false });
    ending.push(() => sql.end({ timeout: 1 }));
    return sql;
  }

  /** Another test run that starts a server and then does `next`; with the server's connection string. */
  async function startInAnotherRun(next: string): Promise<{ run: ChildProcess; url: string }> {
    const program = `
      import { startPostgres } from ${JSON.stringify(new URL("./postgres.ts", import.meta.url).href)};
      console.log((await startPostgres()).url);
      ${next}
    `;
    const run = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    ending.push(async () => run.kill("SIGKILL"));
    const [url]: unknown[] = await once(createInterface(run.stdout), "line");
    assert.ok(typeof url === "string");
    return { run, url };
  }

  it("is PostgreSQL 18 on loopback, in UTF-8, for 100 connections, and syncs nothing to disk", async () => {
    const names = ["server_encoding", "max_connections", "fsync", "synchronous_commit", "listen_addresses", "TimeZone"];
    const sql = open(shared.url);
    const rows = await sql`SELECT name, setting FROM pg_settings WHERE name IN ${sql(names)}`;
    const [version] = await sql`SELECT current_setting('server_version_num')::int / 10000 AS major`;
    assert.deepStrictEqual(
      {
        address: new URL(shared.url).hostname,
        ...version,
        ...Object.fromEntries(rows.map((row) => [row["name"], row["setting"]])),
      },
      {
        address: "127.0.0.1",
        major: 18,
        server_encoding: "UTF8",
        max_connections: "100",
        fsync: "off",
        synchronous_commit: "on",
        listen_addresses: "127.0.0.1",
        TimeZone: "UTC",
      },
    );
  });

  it("lets nobody in without the password", async () => {
    const url = new URL(shared.url);
    url.password = "wrong";
    await assert.rejects(open(url.href)`SELECT 1`, { code: "28P01" });
  });

  it("makes databases that see nothing of each other", async () => {
    const [one, two] = [open(await shared.createDatabase()), open(await shared.createDatabase("second_one"))];
    await one`CREATE TABLE notes (text text)`;
    await one`INSERT INTO notes VALUES ('of the first')`;

    await assert.rejects(two`SELECT * FROM notes`, { code: "42P01" });
    assert.deepStrictEqual([...(await one`SELECT * FROM notes`)], [{ text: "of the first" }]);
    assert.deepStrictEqual([...(await two`SELECT current_database() AS name`)], [{ name: "second_one" }]);
    await assert.rejects(shared.createDatabase("second_one"), { code: "42P04" });
    await assert.rejects(shared.createDatabase("Second one"), /Could not name a database "Second one"/);
  });

  it("keeps its address and data over a restart in order", async () => {
    const url = await shared.createDatabase();
    await open(url)`CREATE TABLE notes AS SELECT 'kept' AS text`;
    await shared.restart();
    assert.deepStrictEqual([...(await open(url)`SELECT * FROM notes`)], [{ text: "kept" }]);
  });

  it("breaks queries when it is gone abruptly, and has exactly the committed rows after the restart", async () => {
    const server = await start();
    const url = await server.createDatabase();
    const [sql, other] = [open(url), open(url)];
    await sql`CREATE TABLE notes (text text)`;
    await sql`INSERT INTO notes VALUES ('committed')`;
    const broken = assert.rejects(other`INSERT INTO notes SELECT 'uncommitted' FROM pg_sleep(600)`, isLostConnection);
    await waitUntil("the insert is under way", async () => {
      const [row] = await sql`SELECT count(*)::int AS running FROM pg_stat_activity WHERE wait_event = 'PgSleep'`;
      return row?.["running"] === 1;
    });

    await server.stopAbruptly();
    await broken;
    await assert.rejects(open(url)`SELECT * FROM notes`, { code: "ECONNREFUSED" });

    await server.restart();
    assert.deepStrictEqual([...(await open(url)`SELECT * FROM notes`)], [{ text: "committed" }]);

    await Promise.all([server.stopAbruptly(), server.restart()]);
    assert.deepStrictEqual([...(await open(url)`SELECT * FROM notes`)], [{ text: "committed" }]);
  });

  for (const [name, stop] of [
    ["stopped", (server: Postgres) => server.stop()],
    ["stopped after it was gone abruptly", (server: Postgres) => server.stopAbruptly().then(() => server.stop())],
  ] as const) {
    it(`leaves neither data nor an open port behind when ${name}`, async () => {
      const server = await start();
      const folder = await readFolder(server.url);
      const before = { hasFolder: await exists(folder), answers: await answers(server.url) };
      await stop(server);
      await server.stop();
      await assert.rejects(server.restart(), /its data removed/);
      assert.deepStrictEqual(
        { before, hasFolder: await exists(folder), answers: await answers(server.url) },
        { before: { hasFolder: true, answers: true }, hasFolder: false, answers: false },
      );
    });
  }

  it("ends with a test run that is killed, and takes its data along", async () => {
    const { run, url } = await startInAnotherRun("setInterval(() => {}, 60_000);");
    const folder = await readFolder(url);
    run.kill("SIGKILL");
    await waitUntil("the server and its data are gone", async () => {
      return !(await exists(folder)) && !(await answers(url));
    });
  });

  it("lets a test run end that forgot to stop it, and ends too", async () => {
    const { run, url } = await startInAnotherRun("");
    if (run.exitCode === null) await once(run, "exit");
    assert.equal(run.exitCode, 0);
    await waitUntil("the server is gone", async () => !(await answers(url)));
  });
});

/** A connection ended by the other side, in order or by a reset. */
function isLostConnection(fault: unknown): boolean {
  assert.ok(fault instanceof Error && "code" in fault);
  assert.match(String(fault.code), /^(CONNECTION_CLOSED|ECONNRESET)$/);
  return true;
}

/** The temporary folder that holds everything of the server. */
async function readFolder(url: string): Promise<string> {
  const sql = postgres(url, { max: 1 });
  const [row] = await sql`SHOW data_directory`;
  await sql.end();
  return dirname(String(row?.["data_directory"]));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Whether something listens at the address. */
async function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const isOpen = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return isOpen;
}

async function waitUntil(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isTrue())) {
    assert.ok(Date.now() < deadline, `Waited 10 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
