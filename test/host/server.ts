import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { selfSigned } from "./certificate.ts";
import type { EditorInstallation } from "./setup.ts";

export interface ServerOptions {
  /** Everything that VS Code keeps: settings, extensions, logs, sockets. */
  readonly dataDir: string;
  /** HOME of the extension host. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  readonly userSettings?: Readonly<Record<string, unknown>>;
  readonly vsix?: string;
  /** Whether VS Code asks if a folder is trusted (restricted mode); otherwise every folder is. */
  readonly trust?: boolean;
  /** Whether HOST/proxy/PORT/… reaches a port of this machine. */
  readonly proxy?: boolean;
  /** Serve https under this name instead of http under 127.0.0.1. */
  readonly tlsName?: string;
}

/** A running VS Code server. */
export interface Server {
  readonly port: number;
  /** Without a slash at the end. */
  readonly url: string;
  /** Everything it printed so far. */
  log(): string;
  /** The process group that it and its extension hosts run in. */
  readonly pid: number;
  stop(): Promise<void>;
}

/** Settings that keep VS Code from asking, announcing and calling home. */
export const quietSettings = {
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "workbench.enableExperiments": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
  "chat.disableAIFeatures": true,
  "chat.agentHost.enabled": false,
  "window.commandCenter": false,
  "remote.autoForwardPorts": false,
  "remote.restoreForwardedPorts": false,
  "files.autoSave": "off",
  "security.workspace.trust.startupPrompt": "always",
} as const;

/** Starts VS Code's server on 127.0.0.1 and waits until it answers. It ends when the calling process does. */
export async function startServer(host: EditorInstallation, options: ServerOptions): Promise<Server> {
  const data = options.dataDir;
  await mkdir(join(data, "user-data/User"), { recursive: true });
  await mkdir(options.home, { recursive: true });
  // Sockets live here; VS Code wants it private.
  await mkdir(join(data, "run"), { recursive: true, mode: 0o700 });
  await writeSettings(data, options.userSettings ?? {});
  await writeFile(join(data, "config.yaml"), "", { flag: "a" });

  const common = [
    host.server,
    ...["--config", join(data, "config.yaml")],
    ...["--user-data-dir", join(data, "user-data"), "--extensions-dir", join(data, "extensions")],
    "--disable-telemetry",
    "--disable-update-check",
    ...["--vscode-option", "disable-experiments", "--vscode-option", `builtin-extensions-dir=${host.builtins}`],
  ];
  const env = environment(options);
  if (options.vsix !== undefined)
    await run(host.node, [...common, "--install-extension", options.vsix, "--force"], env);

  const port = options.port ?? (await freePort());
  const tls: string[] = [];
  if (options.tlsName !== undefined) {
    const made = selfSigned(options.tlsName);
    const [certificate, key] = [join(data, "certificate.pem"), join(data, "certificate-key.pem")];
    await writeFile(certificate, made.certificate);
    await writeFile(key, made.key, { mode: 0o600 });
    tls.push("--cert", certificate, "--cert-key", key);
  }
  const keeper = spawn(
    host.node,
    [
      join(import.meta.dirname, "keeper.ts"),
      host.node,
      ...common,
      ...["--bind-addr", `127.0.0.1:${port}`, "--auth", "none", ...tls],
      ...["--disable-getting-started-override", "--ignore-last-opened"],
      // Otherwise the host takes on the variables of a login shell, PATH among them.
      ...["--vscode-option", "force-disable-user-env"],
      ...(options.trust === true ? [] : ["--disable-workspace-trust"]),
      ...(options.proxy === false ? ["--disable-proxy"] : []),
    ],
    { env, detached: true, stdio: ["pipe", "pipe", "pipe"] },
  );
  let log = "";
  keeper.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  keeper.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  let isRunning = true;
  const ended = new Promise<void>((resolve) => keeper.once("close", () => resolve()));
  void ended.then(() => (isRunning = false));
  const pid = keeper.pid;
  if (pid === undefined) throw new Error("VS Code's server could not be started");

  const stop = async (): Promise<void> => {
    keeper.stdin.end();
    await Promise.race([ended, delay(8000, undefined, { ref: false })]);
    killGroup(pid, "SIGKILL");
    await ended;
  };
  const deadline = performance.now() + 30_000;
  while (!(await isHealthy(port, options.tlsName !== undefined))) {
    if (isRunning && performance.now() < deadline) {
      await delay(50);
      continue;
    }
    await stop();
    throw new Error(`VS Code's server did not answer on port ${port}. It printed:\n${log.slice(-3000)}`);
  }
  const url = options.tlsName === undefined ? `http://127.0.0.1:${port}` : `https://${options.tlsName}:${port}`;
  return { port, url, pid, log: () => log, stop };
}

/** Where code-server keeps the person's settings; VS Code reads it when its page is loaded. */
export function settingsFile(dataDir: string): string {
  return join(dataDir, "user-data/User/settings.json");
}

/** Adds to the settings that are there already; the first time to the quiet ones. */
export async function writeSettings(dataDir: string, settings: Readonly<Record<string, unknown>>): Promise<void> {
  const file = settingsFile(dataDir);
  const before: unknown = await readFile(file, "utf8").then(JSON.parse, () => quietSettings);
  await writeFile(file, `${JSON.stringify({ ...Object(before), ...settings }, undefined, 2)}\n`);
}

function environment(options: ServerOptions): Record<string, string> {
  const { home, dataDir } = options;
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_DATA_HOME: join(home, ".local/share"),
    XDG_CACHE_HOME: join(home, ".cache"),
    XDG_STATE_HOME: join(home, ".local/state"),
    XDG_RUNTIME_DIR: join(dataDir, "run"),
    // Each start of the server loads the same large files.
    NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.compiled"),
    // No extension gallery: nothing is asked of any server.
    EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "", itemUrl: "", resourceUrlTemplate: "", controlUrl: "" }),
    ...options.env,
  };
}

async function run(command: string, rest: readonly string[], env: Record<string, string>): Promise<void> {
  const child = spawn(command, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once("error", reject).once("close", resolve),
  );
  if (code !== 0) throw new Error(`The extension could not be installed (${String(code)}):\n${output}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function isHealthy(port: number, tls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const send = tls ? requestHttps : requestHttp;
    // Only a sign of life, of a certificate made a moment ago.
    send({ host: "127.0.0.1", port, path: "/healthz", rejectUnauthorized: false, timeout: 2000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    })
      .on("timeout", () => resolve(false))
      .on("error", () => resolve(false))
      .end();
  });
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
}
