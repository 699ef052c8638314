import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Absolute paths of the real programs. */
export interface InstalledTools {
  readonly claude: string;
  readonly codex: string;
  readonly opencode: string;
  readonly kilo: string;
  readonly pi: string;
  readonly qwen: string;
  readonly cline: string;
  readonly continue: string;
  readonly node: string;
}

const folder = fileURLToPath(new URL(".", import.meta.url));
const modules = join(folder, "node_modules");

/**
 * Installs the tools that the lock file names, once: some 2.5 GB from the package registry. No install script runs:
 * each program comes ready in its package for this system.
 */
export async function ensureTools(): Promise<InstalledTools> {
  const stamp = join(modules, ".installed");
  const wanted = createHash("sha256")
    .update(await readFile(join(folder, "package-lock.json")))
    .digest("hex");
  const present = await readFile(stamp, "utf8").catch(() => undefined);
  if (present !== wanted) {
    // Not `npm ci`: Qwen Code names packages for other systems that the registry does not have, which it refuses.
    await runNpm(["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]);
    await writeFile(stamp, wanted);
  }
  const named = (name: string): string => join(modules, ".bin", name);
  return {
    claude: await findProgram([
      "@anthropic-ai/claude-code-SYSTEM/claude",
      "@anthropic-ai/claude-code-SYSTEM-musl/claude",
    ]),
    codex: named("codex"),
    opencode: await findProgram(["opencode-SYSTEM/bin/opencode", "opencode-SYSTEM-musl/bin/opencode"]),
    // The registry has it for Linux only, in the version that is proven.
    kilo: join(modules, "@kilocode", "cli-linux-x64", "bin", "kilo"),
    pi: named("pi"),
    qwen: named("qwen"),
    cline: await findProgram(["@cline/cli-SYSTEM/bin/cline"]),
    continue: named("cn"),
    node: process.execPath,
  };
}

async function runNpm(args: readonly string[]): Promise<void> {
  // Under `npm test` this is the npm that runs us.
  const npm = process.env["npm_execpath"];
  const [command, words] = npm?.endsWith(".js") ? [process.execPath, [npm, ...args]] : ["npm", [...args]];
  await promisify(execFile)(command, words, { cwd: folder, timeout: 600_000 });
}

/** npm installs the package of one system only; Linux has two of some, by its C library. */
async function findProgram(candidates: readonly string[]): Promise<string> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  for (const candidate of candidates) {
    const program = join(modules, candidate.replace("SYSTEM", system));
    const isThere = await access(program).then(
      () => true,
      () => false,
    );
    if (isThere) return program;
  }
  throw new Error(`${candidates[0]} has no program for ${system} in ${dirname(modules)}.`);
}
