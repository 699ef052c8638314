import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The function as its own process, as `npm run function` starts it. */
export interface FunctionProcess {
  readonly url: string;
  /** Everything that it has printed. */
  readonly output: () => string;
  /** Ends it as a crash would. */
  readonly kill: () => Promise<void>;
  /** Asks it to end and gives its exit code; null when a signal ended it. */
  readonly terminate: () => Promise<number | null>;
}

export type Environment = Readonly<Record<string, string>>;

const startMs = 30_000;

/** Resolves when it listens; rejects with what it printed when it ends before. */
export async function startFunctionProcess(environment: Environment): Promise<FunctionProcess> {
  const child = spawn(process.execPath, ["functions/targets/node.ts"], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`The function did not listen within ${startMs} ms: ${output}`));
    }, startMs);
    createInterface({ input: child.stdout }).on("line", (line) => {
      output += `${line}\n`;
      const address = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.once("close", () => {
      clearTimeout(timer);
      reject(new Error(output));
    });
  });
  return {
    url,
    output: () => output,
    async kill() {
      await end(child, "SIGKILL");
    },
    terminate: () => end(child, "SIGTERM"),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, "close");
  }
  return child.exitCode;
}
