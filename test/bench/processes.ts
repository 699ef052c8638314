import type { ChildProcess } from "node:child_process";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** A process of its own, so that what is measured does not share a thread with what measures it. */
export interface Server {
  readonly url: string;
  /** The process's memory at this moment, in MB. */
  readonly memory: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

const startMs = 30_000;

/** Starts a script that prints `listening on …`; what it prints afterwards is read and dropped. */
export async function startServer(script: string, environment: Readonly<Record<string, string>>): Promise<Server> {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await listening(child, script);
    return { url, memory: () => memoryOf(child.pid), stop: () => end(child) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

async function listening(child: ChildProcess, script: string): Promise<string> {
  if (child.stdout === null) throw new Error("The process has no output.");
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${script} did not listen within ${startMs} ms.`)), startMs);
    child.once("close", (code) => {
      clearTimeout(timer);
      reject(new Error(`${script} ended with ${code} before it listened.`));
    });
    lines.on("line", (line) => {
      const address = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
  lines.close();
  child.stdout.resume();
  return url;
}

async function memoryOf(pid: number | undefined): Promise<number> {
  const kilobytes =
    process.platform === "linux"
      ? /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1]
      : (await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)])).stdout.trim();
  return Number(kilobytes) / 1024;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "close");
}
