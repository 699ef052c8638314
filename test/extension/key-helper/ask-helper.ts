import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Log } from "../../../extension/base/log.ts";

export const program = fileURLToPath(new URL("../../../extension/key-helper/or-key.ts", import.meta.url));

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, at most 20 s. */
export async function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<Said> {
  const child = spawn(command, args, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  await once(child, "close");
  return { code: child.exitCode, ...said };
}

/** The real client program, under Node in place of VS Code's runtime. */
export function askHelper(directory: string): Promise<Said> {
  return run(process.execPath, [program, directory]);
}

/** A log that keeps its lines, so that a test can look for what must not be in them. */
export function createLines(): Log & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  return { lines, debug: keep, info: keep, warn: keep, error: keep };
}
