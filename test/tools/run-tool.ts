import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { ensureFurtherTools, ensureTools } from "./setup.ts";

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
/** opencode and Kilo Code need most of a minute of a core before they begin, and several on a machine that does other work. */
const slowDeadlineMilliseconds = 300_000;

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

/** One question to the real opencode. */
export async function runOpencode({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { opencode, node } = await ensureFurtherTools();
  return runToEnd(
    opencode,
    ["run", ...args, prompt],
    home,
    {
      ...minimalEnvironment(home, node),
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
      ...noPackages,
      ...env,
    },
    slowDeadlineMilliseconds,
  );
}

/** One question to the real Kilo Code. */
export async function runKilo({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { kilo, node } = await ensureFurtherTools();
  return runToEnd(
    kilo,
    ["run", ...args, prompt],
    home,
    {
      ...minimalEnvironment(home, node),
      KILO_DISABLE_AUTOUPDATE: "1",
      KILO_DISABLE_MODELS_FETCH: "1",
      ...noPackages,
      KILO_TELEMETRY_LEVEL: "off",
      ...env,
    },
    slowDeadlineMilliseconds,
  );
}

/** One question to the real pi. */
export async function runPi({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { pi, node } = await ensureFurtherTools();
  return runToEnd(pi, ["-p", ...args, prompt], home, { ...minimalEnvironment(home, node), PI_OFFLINE: "1", ...env });
}

/** One question to the real Qwen Code. */
export async function runQwen({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { qwen, node } = await ensureFurtherTools();
  return runToEnd(qwen, [...args, "-p", prompt], home, { ...minimalEnvironment(home, node), ...env });
}

/** One question to the real Cline. It leaves a program running in the background, which is ended here. */
export async function runCline({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { cline, node } = await ensureFurtherTools();
  const environment = { ...minimalEnvironment(home, node), CLINE_TELEMETRY_DISABLED: "1", ...env };
  const result = await runToEnd(cline, [...args, prompt], home, environment);
  await endClineHub(home);
  return result;
}

/** The one of this home folder, which its command line names; somebody else's is left alone. */
async function endClineHub(home: string): Promise<void> {
  const { stdout } = await promisify(execFile)("ps", ["-ww", "-eo", "pid=,args="]);
  for (const line of stdout.split("\n")) {
    if (line.includes("--cline-hub-daemon") && line.includes(`--cwd ${home} `)) {
      process.kill(Number.parseInt(line, 10), "SIGKILL");
    }
  }
}

/** One question to the real GitHub Copilot CLI. */
export async function runCopilot({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { copilot, node } = await ensureFurtherTools();
  return runToEnd(copilot, [...args, "-p", prompt], home, {
    ...minimalEnvironment(home, node),
    COPILOT_OFFLINE: "true",
    COPILOT_AUTO_UPDATE: "false",
    ...env,
  });
}

/** One question to the real Continue. */
export async function runContinue({ home, prompt, env = {}, args = [] }: ToolRun): Promise<ToolResult> {
  const { continue: program, node } = await ensureFurtherTools();
  return runToEnd(program, ["-p", ...args, prompt], home, {
    ...minimalEnvironment(home, node),
    CONTINUE_TELEMETRY_ENABLED: "0",
    ...env,
  });
}

/** They fetch a package for their plugin folder first, and would try again for a minute. */
const noPackages = { npm_config_fetch_retries: "0", npm_config_offline: "true" };

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
  deadline = deadlineMilliseconds,
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
  const timer = setTimeout(killAll, deadline);
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
