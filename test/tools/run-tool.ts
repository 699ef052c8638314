import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { ensureTools } from "./setup.ts";

export interface ToolRun {
  /** A throw-away home folder; the tool works in it, too. */
  readonly home: string;
  readonly prompt: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the prompt. */
  readonly args?: readonly string[];
}

export interface ToolResult {
  /** Null when it was ended at the deadline. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const deadlineMilliseconds = 90_000;

/** One question to the real Claude Code, without a terminal. */
export async function runClaude({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { claude, node } = await ensureTools();
  return runToEnd(claude, ["-p", ...args, prompt], home, {
    ...minimalEnvironment(home, node),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
    // After a refusal it would try again for minutes.
    CLAUDE_CODE_MAX_RETRIES: "1",
    ...env,
  });
}

/** One question to the real Codex, without a terminal. */
export async function runCodex({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { codex, node } = await ensureTools();
  const quiet = ["-c", "analytics.enabled=false", "-c", "check_for_update_on_startup=false"];
  return runToEnd(codex, ["exec", "--skip-git-repo-check", ...quiet, ...args, prompt], home, {
    ...minimalEnvironment(home, node),
    ...env,
  });
}

/** What a tool needs to run. The proxy is a closed port: whatever a tool calls beyond loopback fails at once. */
function minimalEnvironment(home: string, node: string): Record<string, string> {
  const nowhere = "http://127.0.0.1:9";
  return {
    HOME: home,
    PATH: [dirname(node), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
    TMPDIR: process.env["TMPDIR"] ?? "/tmp",
    LANG: "C.UTF-8",
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    NO_PROXY: "127.0.0.1",
  };
}

async function runToEnd(
  program: string,
  args: readonly string[],
  home: string,
  env: Record<string, string>,
): Promise<ToolResult> {
  const child = spawn(program, args, { cwd: home, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const { pid } = child;
  const killAll = (): void => {
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // The whole group has ended.
    }
  };
  const timer = setTimeout(killAll, deadlineMilliseconds);
  try {
    await once(child, "exit");
  } finally {
    clearTimeout(timer);
    // What the tool left running in the background goes, too.
    killAll();
  }
  if (!child.stdout.closed) await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}
