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
  readonly node: string;
}

const folder = fileURLToPath(new URL(".", import.meta.url));
const modules = join(folder, "node_modules");

/**
 * Installs the tools that the lock file names, once: some 800 MB from the package registry. No install script runs:
 * each program comes ready in its package for this system.
 */
export async function ensureTools(): Promise<InstalledTools> {
  const stamp = join(modules, ".installed");
  const wanted = createHash("sha256")
    .update(await readFile(join(folder, "package-lock.json")))
    .digest("hex");
  const present = await readFile(stamp, "utf8").catch(() => undefined);
  if (present !== wanted) {
    await runNpm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    await writeFile(stamp, wanted);
  }
  return { claude: await findClaude(), codex: join(modules, ".bin", "codex"), node: process.execPath };
}

async function runNpm(args: readonly string[]): Promise<void> {
  // Under `npm test` this is the npm that runs us.
  const npm = process.env["npm_execpath"];
  const [command, words] = npm?.endsWith(".js") ? [process.execPath, [npm, ...args]] : ["npm", [...args]];
  await promisify(execFile)(command, words, { cwd: folder, timeout: 600_000 });
}

/** npm installs the package of one system only; Linux has two, by its C library. */
async function findClaude(): Promise<string> {
  for (const libc of ["", "-musl"]) {
    const scope = join(modules, "@anthropic-ai", `claude-code-${process.platform}-${process.arch}${libc}`);
    const program = join(scope, process.platform === "win32" ? "claude.exe" : "claude");
    const isThere = await access(program).then(
      () => true,
      () => false,
    );
    if (isThere) return program;
  }
  throw new Error(`Claude Code has no program for ${process.platform}-${process.arch} in ${dirname(modules)}.`);
}
