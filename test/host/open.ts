import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { startServer } from "./server.ts";
import { ensureEditor } from "./setup.ts";

export interface EditorOptions {
  readonly extensionPath: string;
  readonly folder: string;
  readonly userSettings?: Readonly<Record<string, unknown>>;
  /** Kept between starts: settings, sign-in, extensions. Nothing of the person's own VS Code is touched. */
  readonly dataDir: string;
  /** Variables of the editor. Without HOME, the one in the browser gets `dataDir`/home, the desktop's the person's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** For the one in the browser, which keeps secrets per address; else any free one. */
  readonly port?: number;
}

export interface OpenedEditor {
  readonly kind: "desktop" | "browser";
  /** To open in a browser, of this machine only and without password; the desktop's VS Code has none. */
  readonly address: string | undefined;
  stop(): Promise<void>;
}

/** Opens VS Code with the extension in it: the desktop's own if there is one, else one to be opened in a browser. */
export async function openEditor(options: EditorOptions): Promise<OpenedEditor> {
  await mkdir(options.folder, { recursive: true });
  await mkdir(options.dataDir, { recursive: true });
  const code = desktopCode();
  return code === undefined ? openInBrowser(options) : openOnDesktop(code, options);
}

/** Not inside a terminal of a remote VS Code, whose `code` is another program, and not without a display. */
function desktopCode(): string | undefined {
  if (process.env["VSCODE_IPC_HOOK_CLI"] !== undefined) return undefined;
  const hasDisplay = process.env["DISPLAY"] !== undefined || process.env["WAYLAND_DISPLAY"] !== undefined;
  if (process.platform === "linux" && !hasDisplay) return undefined;
  const name = process.platform === "win32" ? "code.cmd" : "code";
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

async function openOnDesktop(code: string, options: EditorOptions): Promise<OpenedEditor> {
  const userData = join(options.dataDir, "desktop");
  await mkdir(join(userData, "User"), { recursive: true });
  await writeFile(join(userData, "User/settings.json"), JSON.stringify(options.userSettings ?? {}, undefined, 2));
  const windows = process.platform === "win32";
  const rest = [
    `--extensionDevelopmentPath=${options.extensionPath}`,
    `--user-data-dir=${userData}`,
    `--extensions-dir=${join(options.dataDir, "desktop-extensions")}`,
    "--disable-workspace-trust",
    "--new-window",
    options.folder,
  ].map((word) => (windows ? `"${word}"` : word));
  const starter = spawn(windows ? `"${code}"` : code, rest, {
    env: { ...process.env, ...options.env },
    stdio: "ignore",
    shell: windows,
  });
  await new Promise<void>((resolve, reject) => {
    starter.once("error", reject);
    starter.once("close", (result) =>
      result === 0 ? resolve() : reject(new Error(`\`code\` ended with ${String(result)}`)),
    );
  });
  return {
    kind: "desktop",
    address: undefined,
    // `code` returns at once; the VS Code that it started writes its process id into its data folder.
    async stop() {
      const pid = Number(await readFile(join(userData, "code.lock"), "utf8").catch(() => ""));
      if (pid > 0) process.kill(pid, "SIGTERM");
      const end = performance.now() + 5000;
      while (pid > 0 && existsSync(join(userData, "code.lock")) && performance.now() < end) await delay(100);
    },
  };
}

async function openInBrowser(options: EditorOptions): Promise<OpenedEditor> {
  const host = await ensureEditor();
  const server = await startServer(host, {
    dataDir: options.dataDir,
    home: options.env?.["HOME"] ?? join(options.dataDir, "home"),
    vsix: await packageExtension(options.extensionPath, options.dataDir),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.userSettings === undefined ? {} : { userSettings: options.userSettings }),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  return {
    kind: "browser",
    address: `${server.url}/?folder=${encodeURIComponent(options.folder)}`,
    stop: () => server.stop(),
  };
}

/** Packages the extension as a user gets it (its own build must have run); answers the file. */
export async function packageExtension(extensionPath: string, into: string): Promise<string> {
  const vsix = join(into, "extension.vsix");
  const vsce = join(import.meta.dirname, "../../node_modules/@vscode/vsce/vsce");
  const rest = [
    "package",
    "--no-dependencies",
    "--allow-missing-repository",
    "--skip-license",
    "--no-rewrite-relative-links",
    "--out",
    vsix,
  ];
  await promisify(execFile)(process.execPath, [vsce, ...rest], { cwd: extensionPath, maxBuffer: 1 << 24 });
  return vsix;
}
