// A real PostgreSQL 18 on loopback for tests: its own data in a temporary folder, gone when it stops or when the test
// run ends in any way. Data survives a killed server but not a crash of the machine: nothing is forced to disk.
// Linux and macOS; on Windows the folder and the server would outlive a killed test run.
import { randomBytes } from "node:crypto";
import { chown, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

import postgres from "postgres";

import { findInstalledBinaries, runnableBinaries } from "./binaries.ts";
import { endWithParent } from "./end-with-parent.ts";
import { PortTaken, runToEnd, startServer } from "./server-process.ts";
import type { ServerProcess, Surroundings } from "./server-process.ts";
import { findUnprivilegedUser, makeReachableFolder } from "./unprivileged-user.ts";

/** A running server. What stops and starts it may be called at any moment; the calls take turns. */
export interface Postgres {
  /** Superuser's connection string of the database `postgres`; stays the same over a restart. */
  readonly url: string;
  /** Makes an empty database and returns its connection string. A name: `[a-z][a-z0-9_]*`; absent: one of its own. */
  createDatabase(name?: string): Promise<string>;
  /** Ends the server at once and removes its data. May be called twice, and after `stopAbruptly`. */
  stop(): Promise<void>;
  /** SIGKILL to all its processes: connections break, nothing answers on the port. `restart` brings the data back. */
  stopAbruptly(): Promise<void>;
  /** Stops in order, if still running, and starts again on the same port with the same data. */
  restart(): Promise<void>;
}

const portAttempts = 5;

/**
 * Starts a fresh server; 1 to 2 seconds on two cores. It accepts 100 connections and does not sync to disk.
 * `settings` are further ones of postgresql.conf.
 */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Postgres> {
  const user = await findUnprivilegedUser();
  const folder = await makeReachableFolder("openrouter-keys-postgres-", user);
  const follower = endWithParent(folder);
  const password = randomBytes(16).toString("hex");

  let server: ServerProcess | undefined;
  let port = 0;
  let surroundings: Surroundings;

  async function launch(): Promise<void> {
    server = await startServer(surroundings, serverArguments(folder, port, settings));
    follower.follow(server.pid);
  }

  async function halt(end: (running: ServerProcess) => Promise<void>): Promise<void> {
    if (server === undefined) return;
    await end(server);
    server = undefined;
    follower.follow(undefined);
  }

  function urlOf(database: string): string {
    return `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;
  }

  try {
    const native = await runnableBinaries(await findInstalledBinaries(), user, folder);
    surroundings = { bin: join(native, "bin"), folder, user };
    await createCluster(surroundings, password);
    for (let attempt = 1; server === undefined; attempt += 1) {
      port = await findFreePort();
      await launch().catch((fault: unknown) => {
        if (!(fault instanceof PortTaken) || attempt === portAttempts) throw fault;
      });
    }
  } catch (fault) {
    await follower.finish();
    throw fault;
  }

  // Calls take turns: a stop that overtook a kill would mistake it for its own end.
  let lastTurn: Promise<void> = Promise.resolve();
  function inTurn(act: () => Promise<void>): Promise<void> {
    const turn = lastTurn.then(act);
    lastTurn = turn.catch(() => {});
    return turn;
  }

  let stopped: Promise<void> | undefined;
  async function stopOnce(): Promise<void> {
    try {
      // A killed server leaves a System V memory segment behind, which only a server over the same data takes away.
      if (server === undefined) await launch();
      await halt((running) => running.shutDown("SIGQUIT"));
    } finally {
      await follower.finish();
    }
  }

  return {
    url: urlOf("postgres"),
    createDatabase: async (name = `test_${randomBytes(8).toString("hex")}`) => {
      // postgres.js takes the name from a connection string as it stands, so an encoded one would not be found.
      if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`Could not name a database ${JSON.stringify(name)}`);
      const sql = postgres(urlOf("postgres"), { max: 1, onnotice: () => {} });
      try {
        await sql`CREATE DATABASE ${sql(name)}`;
      } finally {
        await sql.end();
      }
      return urlOf(name);
    },
    stop: () => (stopped ??= inTurn(stopOnce)),
    stopAbruptly: () => inTurn(() => halt((running) => running.kill())),
    restart: async () => {
      if (stopped !== undefined) throw new Error("Could not restart PostgreSQL: it was stopped and its data removed");
      await inTurn(async () => {
        await halt((running) => running.shutDown("SIGINT"));
        await launch();
      });
    },
  };
}

async function createCluster(surroundings: Surroundings, password: string): Promise<void> {
  const { folder, user } = surroundings;
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);

  await runToEnd(surroundings, "initdb", [
    `--pgdata=${join(folder, "data")}`,
    "--username=postgres",
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
    // Password stretching costs milliseconds at each connection and protects nothing here.
    "--set=scram_iterations=1",
  ]);
  await rm(passwordFile);
}

function serverArguments(folder: string, port: number, further: Readonly<Record<string, string>>): readonly string[] {
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 100,
    shared_buffers: "32MB",
    // In the data folder and so removed with it, also after SIGKILL; the default leaves files in /dev/shm.
    dynamic_shared_memory_type: "mmap",
    fsync: "off",
    full_page_writes: "off",
    ...further,
  };
  return [
    "-D",
    join(folder, "data"),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** A port nobody listens on at the moment; PostgreSQL cannot choose one by itself. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Could not find a free port");
  return address.port;
}
