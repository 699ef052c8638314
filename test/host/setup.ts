import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod/mini";
import { findBrowser } from "./browser.ts";
import type { Browser } from "./browser.ts";

/** What starts VS Code's server; every path is absolute. */
export interface EditorInstallation {
  /** Node 24, which runs the VS Code server and its extension host. */
  readonly node: string;
  /** code-server's entry script. */
  readonly server: string;
  /** Folder of the built-in extensions that are wanted: those that VS Code's web page can do without are left out. */
  readonly builtins: string;
}

/** What a test needs to start VS Code and a browser. */
export interface HostInstallation extends EditorInstallation {
  readonly browser: Browser;
}

const here = import.meta.dirname;
const modules = join(here, "node_modules");
const server = join(modules, "code-server");
// Below node_modules, so that no compiler, linter or packager looks into it.
const builtins = join(modules, ".builtins");
const stampFile = join(modules, ".stamp");
/** Counts up when the steps below change, so that an older installation is made again. */
const layout = 2;

/**
 * Installs VS Code (code-server) and a browser below this folder, once; afterwards it costs a few milliseconds.
 * Prints what it does. Throws one readable sentence when the registry cannot be reached or no browser can run.
 */
export async function ensureHost(): Promise<HostInstallation> {
  const editor = await ensureEditor();
  return { ...editor, browser: await findBrowser(modules, (title, work) => alone(() => timed(title, work))) };
}

/** The same without looking for a browser: for a person who opens VS Code in their own. */
export async function ensureEditor(): Promise<EditorInstallation> {
  if (Number(process.versions.node.split(".")[0]) !== 24) {
    throw new Error(`VS Code's server needs Node 24, this is ${process.version}: run it through npm (npm test).`);
  }
  const stamp = await wantedStamp();
  if ((await presentStamp()) !== stamp) {
    await alone(async () => {
      if ((await presentStamp()) === stamp) return;
      await timed("Installing VS Code (code-server) and a browser from npm (once, about 430 MB)", npmInstall);
      await linkModules();
      await linkBuiltins();
      await writeFile(stampFile, stamp);
    });
  }
  return { node: process.execPath, server: join(server, "out/node/entry.js"), builtins };
}

async function wantedStamp(): Promise<string> {
  const hash = createHash("sha256").update(`${layout}`);
  hash.update(await readFile(join(here, "package-lock.json")));
  return hash.digest("hex");
}

async function presentStamp(): Promise<string | undefined> {
  return readFile(stampFile, "utf8").catch(() => undefined);
}

async function npmInstall(): Promise<void> {
  // No install script is wanted: whatever would be compiled has a stand-in in shims/ or is not needed.
  // npm warns about Node versions when the machine's own npm runs on another one; the server runs on ours.
  const npm = spawn("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: here,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  let output = "";
  npm.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  npm.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => npm.once("error", reject).once("close", resolve));
  if (code === 0) return;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|ENETUNREACH|ERR_SOCKET/.test(output)) {
    throw new Error(
      "npm could not reach its registry, so VS Code for the tests could not be installed. " +
        "`npm ping` shows whether it can; then run this again.",
    );
  }
  throw new Error(
    `\`npm ci\` in test/host failed (${String(code)}):\n${output.trim().split("\n").slice(-15).join("\n")}`,
  );
}

/** The server looks for its modules in its own folder; they are one level up, installed flat. */
async function linkModules(): Promise<void> {
  const link = join(server, "lib/vscode/node_modules");
  await rm(link, { recursive: true, force: true });
  await symlink("../../../../node_modules", link, "junction");
}

const extensionManifest = z.object({ main: z.optional(z.string()), browser: z.optional(z.string()) });

/**
 * Leaves out built-ins that only run in the extension host (Copilot, Git, debuggers): 3-5 s of every start. Those with a
 * `browser` entry stay even if unwanted: VS Code would look for them in the page and report "Not Found".
 */
async function linkBuiltins(): Promise<void> {
  await rm(builtins, { recursive: true, force: true });
  await mkdir(builtins, { recursive: true });
  const all = join(server, "lib/vscode/extensions");
  for (const entry of await readdir(all, { withFileTypes: true })) {
    const manifestFile = join(all, entry.name, "package.json");
    if (!entry.isDirectory() || !existsSync(manifestFile)) continue;
    const manifest = extensionManifest.parse(JSON.parse(await readFile(manifestFile, "utf8")));
    if (manifest.main !== undefined && manifest.browser === undefined) continue;
    await symlink(join("../code-server/lib/vscode/extensions", entry.name), join(builtins, entry.name), "junction");
  }
}

async function timed<T>(title: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  process.stdout.write(`${title} … `);
  try {
    const result = await work();
    process.stdout.write(`${((performance.now() - started) / 1000).toFixed(1)} s\n`);
    return result;
  } catch (error) {
    process.stdout.write("failed\n");
    throw error;
  }
}

/** One process at a time: two test runs starting together must not both install. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const folder = join(here, "../../dist");
  await mkdir(folder, { recursive: true });
  const lockFile = join(folder, ".host-installing");
  let unreadable = 0;
  for (;;) {
    const lock = await open(lockFile, "wx").catch(() => undefined);
    if (lock !== undefined) {
      try {
        await lock.writeFile(`${process.pid}`);
        await lock.close();
        return await work();
      } finally {
        await rm(lockFile, { force: true });
      }
    }
    const owner = Number(await readFile(lockFile, "utf8").catch(() => ""));
    // Whoever is writing its number has done so by the next look but one.
    unreadable = owner > 0 ? 0 : unreadable + 1;
    if (owner > 0 ? !isAlive(owner) : unreadable > 5) await rm(lockFile, { force: true });
    await delay(200);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
