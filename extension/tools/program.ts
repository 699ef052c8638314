import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { posix, win32 } from "node:path";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** The programs of this name in the absolute folders of PATH, in its order, then in the others. A relative folder is not trusted. */
export async function findPrograms(
  name: string,
  { env, platform }: Surroundings,
  others: readonly string[] = [],
): Promise<string[]> {
  const path = platform === "win32" ? win32 : posix;
  const names = platform === "win32" ? [`${name}.exe`, `${name}.cmd`] : [name];
  const folders = (env["PATH"] ?? env["Path"] ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const found: string[] = [];
  for (const folder of [...folders, ...others]) {
    for (const candidate of names.map((file) => path.join(folder, file))) {
      if (!found.includes(candidate) && (await isProgram(candidate))) found.push(candidate);
    }
  }
  return found;
}

export async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** What a program needs to run at all, and nothing else of the environment: no key and no token goes along. */
export function leanEnvironment(env: Surroundings["env"]): Record<string, string> {
  const common = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME"];
  const windows = ["Path", "PATHEXT", "SystemRoot", "ComSpec", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"];
  const kept = [...common, ...windows];
  return Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

export interface RunningProgram {
  readonly child: ChildProcessWithoutNullStreams;
  /** Ends it and whatever it has started. Safe to repeat. */
  kill(): void;
}

export function startProgram(
  program: string,
  args: readonly string[],
  { env, platform }: { readonly env: Record<string, string>; readonly platform: NodeJS.Platform },
): RunningProgram {
  // Windows starts a .cmd through cmd only, which needs the whole line in a further pair of quotes.
  const isBatch = platform === "win32" && /\.(cmd|bat)$/i.test(program);
  const [file, words] = isBatch
    ? [env["ComSpec"] ?? "cmd.exe", ["/d", "/s", "/c", `"${[program, ...args].map((word) => `"${word}"`).join(" ")}"`]]
    : [program, [...args]];
  const child = spawn(file, words, {
    env,
    stdio: "pipe",
    detached: platform !== "win32",
    windowsHide: true,
    windowsVerbatimArguments: isBatch,
  });
  // A program that ends early must not take the extension with it.
  child.stdin.on("error", () => undefined);
  return {
    child,
    kill() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        if (platform === "win32") child.kill("SIGKILL");
        else process.kill(-child.pid, "SIGKILL");
      } catch {
        child.kill("SIGKILL");
      }
    },
  };
}

export interface RunRequest {
  readonly env: Record<string, string>;
  readonly platform: NodeJS.Platform;
  readonly milliseconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end and returns its code (null when it was ended) and what it said. Rejects when it cannot start. */
export function runProgram(
  program: string,
  args: readonly string[],
  { env, platform, milliseconds, signal }: RunRequest,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const { child, kill } = startProgram(program, args, { env, platform });
    const timer = setTimeout(kill, milliseconds);
    if (signal?.aborted === true) kill();
    signal?.addEventListener("abort", kill, { once: true });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < 65_536) stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < 4096) stderr += text;
    });
    child.stdin.end();
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
    };
    child.once("error", (error) => {
      settle();
      reject(error);
    });
    child.once("close", (code) => {
      settle();
      resolve({ code, stdout, stderr });
    });
  });
}
