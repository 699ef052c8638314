import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

export interface AtomicWrite {
  /** The file's permission bits, whatever the umask is. */
  readonly mode: number;
  /** Asked when all is written, right before the rename; false leaves the file as it is. */
  readonly isStillWanted?: () => Promise<boolean>;
}

/**
 * Replaces a file in one step: whoever reads it sees the old bytes or these, also after a crash. False when it was not
 * wanted any more. Rejects with the file system's own error, and then leaves nothing behind.
 */
export async function writeAtomically(path: string, bytes: Uint8Array, write: AtomicWrite): Promise<boolean> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    try {
      await handle.writeFile(bytes);
      await handle.chmod(write.mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (write.isStillWanted !== undefined && !(await write.isStillWanted())) {
      await rm(temporary, { force: true });
      return false;
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
}

/** So that the rename survives a power cut. Not every system can do it, and without it the file is whole all the same. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows opens no folder.
  }
}
