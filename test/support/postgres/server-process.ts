import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Socket } from "node:net";

import type { SystemUser } from "./unprivileged-user.ts";

/** How to run the programs of one installation. */
export interface Surroundings {
  /** Absolute path of the folder with `initdb` and `postgres`. */
  readonly bin: string;
  /** Folder they start in; they may enter it. */
  readonly folder: string;
  /** Undefined: the user that runs this. */
  readonly user: SystemUser | undefined;
}

/** One running `postgres` and the processes it makes. What ends it resolves when all of them are gone. */
export interface ServerProcess {
  readonly pid: number;
  /** By SIGINT (ends transactions, writes everything) or SIGQUIT (ends at once, for data no longer wanted). */
  shutDown(signal: "SIGINT" | "SIGQUIT"): Promise<void>;
  /** SIGKILL to the server and every process it has made, as if the machine had lost power. */
  kill(): Promise<void>;
}

/** The server could not take its port: another program was quicker. */
export class PortTaken extends Error {}

/** Runs a program to its end; throws with what it printed when it fails. */
export async function runToEnd(surroundings: Surroundings, program: string, args: readonly string[]): Promise<void> {
  const child = launch(surroundings, program, args);
  const printed = collect(child);
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`Could not run ${program} (${code}): ${printed()}`);
}

/** Starts `postgres` and resolves when it accepts connections. It does not keep this process alive by itself. */
export async function startServer(surroundings: Surroundings, args: readonly string[]): Promise<ServerProcess> {
  const child = launch(surroundings, "postgres", args);
  const printed = collect(child);
  const exited = exitOf(child);

  const ready = new Promise<true>((resolve) => {
    child.stderr?.on("data", () => {
      if (printed().includes("database system is ready to accept connections")) resolve(true);
    });
  });
  const outcome = await Promise.race([ready, exited]);
  if (outcome !== true || child.pid === undefined) {
    const message = `Could not start PostgreSQL (${outcome}): ${printed()}`;
    throw /could not bind|could not create any TCP/.test(printed()) ? new PortTaken(message) : new Error(message);
  }

  keepAlive(child, false);
  const { pid } = child;
  let isOver = false;
  const over = exited.then(() => {
    isOver = true;
  });
  async function end(send: () => void): Promise<void> {
    if (isOver) return;
    keepAlive(child, true);
    send();
    await over;
  }
  return {
    pid,
    shutDown: (signal) => end(() => child.kill(signal)),
    kill: async () => {
      const backends = await childrenOf(pid);
      await end(() => {
        child.kill("SIGKILL");
        for (const backend of backends) killQuietly(backend);
      });
    },
  };
}

/** Its own session, so that Ctrl+C in a terminal reaches the test run alone, which then ends the server in order. */
function launch({ bin, folder, user }: Surroundings, program: string, args: readonly string[]): ChildProcess {
  return spawn(`${bin}/${program}`, args, {
    ...user,
    cwd: folder,
    // Nothing inherited: a developer's PGDATA or PGPORT must not reach it, and messages must be in English.
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
}

/** What the child has printed to stderr, at most its last 8000 characters. */
function collect(child: ChildProcess): () => string {
  let printed = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed = (printed + text).slice(-8000);
  });
  return () => printed.trim();
}

/** The exit code, or the signal's name, once the child and all that inherited its stderr have ended. */
async function exitOf(child: ChildProcess): Promise<number | string> {
  const [code, signal]: unknown[] = await once(child, "close");
  return typeof code === "number" ? code : String(signal);
}

/** Whether this process stays alive for the child. */
function keepAlive(child: ChildProcess, isNeeded: boolean): void {
  const pipes = [child.stderr].filter((pipe) => pipe instanceof Socket);
  for (const handle of [child, ...pipes]) {
    if (isNeeded) handle.ref();
    else handle.unref();
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It noticed the end of its parent and has ended already.
  }
}

/** Elsewhere than on Linux: none, and the processes end by themselves on noticing that their parent has. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return list.split(" ").filter(Boolean).map(Number);
}
