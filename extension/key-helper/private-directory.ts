import { lstat } from "node:fs/promises";

/**
 * Why a directory must not be trusted with a socket that hands out a secret, as the end of a sentence; undefined when it
 * is fine. On Windows there are no such modes: there the directory lies in the user's profile, which its own access
 * list protects. Rejects when the directory cannot be looked at.
 */
export async function faultOfPrivateDirectory(directory: string): Promise<string | undefined> {
  const found = await lstat(directory);
  if (found.isSymbolicLink()) return "is a symbolic link";
  if (!found.isDirectory()) return "is not a folder";
  if (process.getuid === undefined) return undefined;
  if (found.uid !== process.getuid()) return "belongs to another user";
  if ((found.mode & 0o077) !== 0) return "is open to other users";
  return undefined;
}
