import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Keeps a second process out of an embedded database's folder: two would corrupt it. The lock names its process, so
 * that one left by a killed process is taken over.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = lockFile(folder);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await writeFile(file, String(process.pid), { flag: "wx", mode: 0o600 });
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST") || attempt === 3) throw error;
    }
    const holder = await folderHolder(folder);
    if (holder !== undefined) {
      throw new Error(
        `The embedded database in ${folder} is in use by process ${holder}. Stop that one first, or name a DATABASE_URL: several processes need PostgreSQL.`,
      );
    }
    await rm(file, { force: true });
  }
}

/** The process that uses the folder. */
export async function folderHolder(folder: string): Promise<number | undefined> {
  const holder = Number(await readFile(lockFile(folder), "utf8").catch(() => ""));
  return isRunning(holder) ? holder : undefined;
}

function lockFile(folder: string): string {
  return join(folder, "process.lock");
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
