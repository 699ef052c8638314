import { chown, mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** An account of this machine by its numbers. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

const preferred = ["postgres", "_postgres", "nobody", "daemon"] as const;

/**
 * The account PostgreSQL has to run as: undefined for the one that runs this, unless that is root, whom PostgreSQL
 * refuses. It must have a name in the machine's list, because initdb looks its name up.
 */
export async function findUnprivilegedUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;

  const accounts = parseAccounts(await readFile("/etc/passwd", "utf8"));
  for (const name of preferred) {
    const user = accounts.get(name);
    if (user !== undefined && user.uid > 0) return user;
  }
  throw new Error(`PostgreSQL does not run as root, and this machine has no account ${preferred.join(", ")}`);
}

function parseAccounts(passwd: string): Map<string, SystemUser> {
  return new Map(
    passwd
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid = "", gid = ""]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
}

/**
 * Whether `user` may do all of `wanted` (4 read, 2 write, 1 execute or enter, added up) with the path and enter every
 * folder above it; false for a path that does not exist. Access lists beyond the mode bits are not looked at.
 */
export async function mayAccess(path: string, user: SystemUser, wanted: number): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return false;

  const shift = facts.uid === user.uid ? 6 : facts.gid === user.gid ? 3 : 0;
  if (((facts.mode >> shift) & wanted) !== wanted) return false;

  const parent = dirname(path);
  return parent === path || mayAccess(parent, user, 1);
}

/** Makes a private folder of the user's (undefined: one's own), in the first temporary place that they can reach. */
export async function makeReachableFolder(prefix: string, user: SystemUser | undefined): Promise<string> {
  for (const base of new Set([tmpdir(), "/tmp", "/var/tmp"])) {
    if (user !== undefined && !(await mayAccess(base, user, 1))) continue;

    const folder = await mkdtemp(join(base, prefix));
    if (user !== undefined) await chown(folder, user.uid, user.gid);
    return folder;
  }
  throw new Error("Could not find a temporary folder that the account PostgreSQL runs as can reach");
}
