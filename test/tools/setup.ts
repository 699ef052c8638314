import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Absolute paths of the real programs that the tests, and `npm start`, run. */
export interface InstalledTools {
  readonly claude: string;
  readonly codex: string;
  readonly node: string;
}

/** Of those that only the proofs of further tools run. */
export interface FurtherTools {
  readonly opencode: string;
  readonly kilo: string;
  readonly pi: string;
  readonly qwen: string;
  readonly cline: string;
  readonly copilot: string;
  readonly continue: string;
  readonly node: string;
}

const folder = fileURLToPath(new URL(".", import.meta.url));
const furtherFolder = join(folder, "further");

/** Installs the two tools that everybody's first run uses, once: some 800 MB from the package registry. */
export async function ensureTools(): Promise<InstalledTools> {
  await ensureInstalled(folder, ["ci"]);
  return {
    claude: await findProgram(folder, [
      "@anthropic-ai/claude-code-SYSTEM/claude",
      "@anthropic-ai/claude-code-SYSTEM-musl/claude",
    ]),
    codex: named(folder, "codex"),
    node: process.execPath,
  };
}

/**
 * Installs the others, once: some 1.2 GB. Where a tool's package brings its program in another one for each system, that
 * one is installed alone.
 */
export async function ensureFurtherTools(): Promise<FurtherTools> {
  // Not `npm ci`: Qwen Code names packages for other systems that the registry does not have, which it refuses.
  await ensureInstalled(furtherFolder, ["install", "--no-save"]);
  return {
    opencode: await findProgram(furtherFolder, ["opencode-SYSTEM/bin/opencode"]),
    // The registry has it for Linux only, in the version that is proven.
    kilo: join(furtherFolder, "node_modules/@kilocode/cli-linux-x64/bin/kilo"),
    pi: named(furtherFolder, "pi"),
    qwen: named(furtherFolder, "qwen"),
    cline: await findProgram(furtherFolder, ["@cline/cli-SYSTEM/bin/cline"]),
    copilot: await findProgram(furtherFolder, ["@github/copilot-SYSTEM/copilot"]),
    continue: named(furtherFolder, "cn"),
    node: process.execPath,
  };
}

function named(where: string, name: string): string {
  return join(where, "node_modules/.bin", name);
}

/** What the lock file names. No install script runs: each program comes ready in its package for this system. */
async function ensureInstalled(where: string, words: readonly string[]): Promise<void> {
  const stamp = join(where, "node_modules/.installed");
  const wanted = createHash("sha256")
    .update(await readFile(join(where, "package-lock.json")))
    .digest("hex");
  if ((await readFile(stamp, "utf8").catch(() => undefined)) === wanted) return;
  await runNpm(where, [...words, "--ignore-scripts", "--no-audit", "--no-fund"]);
  await writeFile(stamp, wanted);
}

async function runNpm(where: string, args: readonly string[]): Promise<void> {
  // Under `npm test` this is the npm that runs us.
  const npm = process.env["npm_execpath"];
  const [command, words] = npm?.endsWith(".js") ? [process.execPath, [npm, ...args]] : ["npm", [...args]];
  await promisify(execFile)(command, words, { cwd: where, timeout: 600_000 });
}

/** npm installs the package of one system only; Linux has two of some, by its C library. */
async function findProgram(where: string, candidates: readonly string[]): Promise<string> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  for (const candidate of candidates) {
    const program = join(where, "node_modules", candidate.replace("SYSTEM", system));
    const isThere = await access(program).then(
      () => true,
      () => false,
    );
    if (isThere) return program;
  }
  throw new Error(`${candidates[0]} has no program for ${system} in ${where}.`);
}
