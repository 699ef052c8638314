import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { findPrograms, isProgram, leanEnvironment, runProgram } from "./program.ts";
import type { ToolSetupDeps } from "./tool.ts";

export interface CodexProgram {
  readonly path: string;
  readonly version: string;
}

/** Older versions ignore the key helper without a word and send no key. */
const oldest = [0, 118, 0] as const;

/** Where Codex's program may be: on PATH, else in its VS Code extension, which brings one for each system. */
export async function findCodexPrograms(deps: ToolSetupDeps): Promise<string[]> {
  const onPath = await findPrograms("codex", deps, [join(deps.home, ".local", "bin")]);
  const extension = deps.extensionFolder("openai.chatgpt");
  return extension === undefined
    ? onPath
    : [...onPath, ...(await findInExtension(join(extension, "bin"), deps.platform))];
}

async function findInExtension(bin: string, platform: NodeJS.Platform): Promise<string[]> {
  const name = platform === "win32" ? "codex.exe" : "codex";
  const system = platform === "win32" ? /^win/ : platform === "darwin" ? /^(mac|darwin)/ : /^linux/;
  const processor = process.arch === "arm64" ? /(aarch64|arm64)/ : /(x86_64|x64|amd64)/;
  const folders = await readdir(bin).catch(() => []);
  const fitting = folders.filter((folder) => system.test(folder) && processor.test(folder));
  const found: string[] = [];
  for (const candidate of [join(bin, name), ...fitting.map((folder) => join(bin, folder, name))]) {
    if (await isProgram(candidate)) found.push(candidate);
  }
  return found;
}

/** The first program that runs. Throws a UserError when none does, or when that one is too old. */
export async function chooseCodexProgram(
  candidates: readonly string[],
  deps: ToolSetupDeps,
  signal?: AbortSignal,
): Promise<CodexProgram> {
  for (const path of candidates) {
    const version = await versionOf(path, deps, signal);
    if (version === undefined) continue;
    if (isTooOld(version)) {
      throw new UserError(
        `Codex ${version} at ${path} cannot fetch a key by itself. Update it to ${oldest.join(".")} or newer and try again.`,
      );
    }
    return { path, version };
  }
  throw new UserError(
    candidates.length === 0
      ? "Neither Codex's command line nor its VS Code extension was found. Install one and try again."
      : `Codex at ${candidates.join(" and ")} did not run. Run "codex --version" in a terminal, mend what it says and try again.`,
  );
}

async function versionOf(path: string, deps: ToolSetupDeps, signal?: AbortSignal): Promise<string | undefined> {
  const request = { env: leanEnvironment(deps.env), platform: deps.platform, milliseconds: 15_000, signal };
  const { code, stdout } = await runProgram(path, ["--version"], request).catch(() => ({ code: null, stdout: "" }));
  return code === 0 ? /\b(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] : undefined;
}

function isTooOld(version: string): boolean {
  const [numbers = "", ...preRelease] = version.split("-");
  const parts = numbers.split(".").map(Number);
  for (const [index, part] of oldest.entries()) {
    const difference = (parts[index] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return preRelease.length > 0;
}
