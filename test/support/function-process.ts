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
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...environment },
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

/** The function's programs, each in one file, which starts four times as fast as the sources. */
export interface Programs {
  readonly server: string;
  readonly nightly: string;
}

let bundled: Promise<Programs> | undefined;
let bundleFolder: string | undefined;

/** For tests that start them often. Made once for a whole run. */
export function bundleFunction(): Promise<Programs> {
  return (bundled ??= bundle());
}

async function bundle(): Promise<Programs> {
  // Below the project, so that what is not bundled is found.
  const folder = await mkdtemp(join("node_modules", ".test-function-"));
  bundleFolder = folder;
  await build({
    entryPoints: ["functions/targets/node.ts", "functions/targets/nightly.ts"],
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
  return { server: join(folder, "node.mjs"), nightly: join(folder, "nightly.mjs") };
}

/** For mocha's `after`. */
export async function removeBundle(): Promise<void> {
  await bundled?.catch(() => undefined);
  if (bundleFolder !== undefined) await rm(bundleFolder, { recursive: true, force: true });
  bundled = undefined;
  bundleFolder = undefined;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    await once(child, "close");
  }
  return child.exitCode;
}
