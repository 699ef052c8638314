import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { build } from "esbuild";

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

const startMs = 60_000;

/** Resolves when it listens; rejects with what it printed when it ends before. */
export async function startFunctionProcess(
  environment: Environment,
  program = "functions/targets/node.ts",
  words: readonly string[] = [],
): Promise<FunctionProcess> {
  const child = spawn(process.execPath, [program, ...words], {
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

/** The function in one file, which starts four times as fast: for tests that start it often. */
export async function bundleFunction(): Promise<{ readonly program: string; readonly remove: () => Promise<void> }> {
  // Below the project, so that what is not bundled is found.
  const folder = await mkdtemp(join("node_modules", ".test-function-"));
  await build({
    entryPoints: ["functions/targets/node.ts"],
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    external: ["undici", "@electric-sql/pglite", "@opentelemetry/*"],
  });
  await cp("functions/adapters/postgres/migrations", join(folder, "migrations"), { recursive: true });
  return { program: join(folder, "node.mjs"), remove: () => rm(folder, { recursive: true, force: true }) };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, "close");
  }
  return child.exitCode;
}
