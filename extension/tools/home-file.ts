import { lstat, mkdir, readFile, realpath, stat, unlink } from "node:fs/promises";
import { basename, dirname, extname, isAbsolute, join, relative, sep } from "node:path";
import { UserError } from "../base/errors.ts";
import { writeAtomically } from "../key-helper/atomic-write.ts";
import { refuseTrackedFile } from "./git-tracking.ts";
import type { Surroundings } from "./program.ts";

// Reads and replaces a tool's own file in the person's home folder. It promises: nothing outside the home folder (or the
// folder that the person gave the tool) is written, links included; nothing that git would commit is written; a reader
// sees the old bytes or the new; what somebody else wrote in between is not lost.

export interface HomeFile {
  readonly file: string;
  /** The folders it may really lie in: the home folder, and the tool's own folder where the person set one. */
  readonly roots: readonly string[];
  readonly surroundings: Surroundings;
}

export type Change =
  | { readonly kind: "keep" }
  /** With no mode of its own the file keeps the one that it has. */
  | { readonly kind: "write"; readonly bytes: Buffer; readonly mode?: number }
  | { readonly kind: "remove" };

const maxBytes = 4 * 1024 * 1024;
const maxAttempts = 3;

/** The file's bytes; undefined when there is none. Throws a UserError when it is not a file we may touch. */
export async function readHomeFile(home: HomeFile): Promise<Buffer | undefined> {
  return inWords(home.file, "read", async () => readTarget(await locate(home)));
}

/**
 * Hands the file's bytes and permission bits to `decide` and does what it says; true when the file has changed. When somebody else changes
 * the file meanwhile, it begins again with what is there then, so `decide` must be safe to repeat.
 * With `isGitAllowed` a file is also written where git tracks it: to take our own values out again. With `isPrivate` only
 * its owner may read it afterwards.
 */
export async function updateHomeFile(
  home: HomeFile,
  decide: (bytes: Buffer | undefined, mode: number | undefined) => Promise<Change>,
  { isGitAllowed = false, isPrivate = false } = {},
): Promise<boolean> {
  return inWords(home.file, "change", async () => {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const target = await locate(home);
      const before = await readTarget(target);
      const present = before === undefined ? undefined : (await stat(target)).mode & 0o777;
      const change = await decide(before, present);
      if (change.kind === "keep") return false;
      if (!isGitAllowed) await refuseTrackedFile(target, home.surroundings);

      const isUnchanged = async (): Promise<boolean> => {
        const current = await readTarget(await locate(home));
        return before === undefined ? current === undefined : current?.equals(before) === true;
      };
      if (change.kind === "remove") {
        if (!(await isUnchanged())) continue;
        if (before !== undefined) await unlink(target);
        return before !== undefined;
      }
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      const mode = change.mode ?? (isPrivate ? ownerOnly(present ?? 0o600) : (present ?? 0o600));
      if (await writeAtomically(target, change.bytes, { mode, isStillWanted: isUnchanged })) return true;
    }
    throw new UserError(`${home.file} is being changed by another program. Close the tool that uses it and try again.`);
  });
}

/** What is left of a file's permission bits when only its owner may read it. */
export function ownerOnly(mode: number): number {
  return mode & 0o700;
}

/** Where the file really lies, links followed. */
async function locate({ file, roots }: HomeFile): Promise<string> {
  const realRoots = await Promise.all(roots.map(realFolder));
  const found = await lstat(file).catch(absentAsUndefined);
  const isLink = found?.isSymbolicLink() === true;
  const target = isLink
    ? await realpath(file).catch(absentAsUndefined)
    : join(await realFolder(dirname(file)), basename(file));
  // A link to a file of another kind is a trick or a mistake: ~/.bashrc is no settings file.
  if (isLink && (target === undefined || extname(target) !== extname(file))) {
    throw new UserError(
      `${file} is a link to something else, so it was left as it is. Replace it by a file and try again.`,
    );
  }
  if (target === undefined || !realRoots.some((root) => isInside(root, target))) {
    throw new UserError(
      `${file} leads to a place outside your home folder, so it was left as it is. Replace the link by a file and try again.`,
    );
  }
  return target;
}

/** The real path of a folder that may not be there yet: what is there is resolved. */
async function realFolder(folder: string): Promise<string> {
  const real = await realpath(folder).catch(absentAsUndefined);
  if (real !== undefined || dirname(folder) === folder) return real ?? folder;
  // A dangling link would be made into a folder at its other end.
  if ((await lstat(folder).catch(absentAsUndefined)) !== undefined) return folder;
  return join(await realFolder(dirname(folder)), basename(folder));
}

async function readTarget(target: string): Promise<Buffer | undefined> {
  const found = await stat(target).catch(absentAsUndefined);
  if (found === undefined) return undefined;
  if (!found.isFile())
    throw new UserError(`${target} is not a file, so it was left as it is. Move it away and try again.`);
  if (found.size > maxBytes)
    throw new UserError(`${target} is too large to be a settings file, so it was left as it is.`);
  return readFile(target);
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function absentAsUndefined(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
  return undefined;
}

/** Turns the file system's refusals into sentences. */
async function inWords<T>(file: string, verb: "read" | "change", step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const why = codeOf(error);
    const failed = `Could not ${verb} ${file}:`;
    if (why === "EACCES" || why === "EPERM" || why === "EROFS") {
      throw new UserError(`${failed} you have no permission. Give yourself the right to write there and try again.`, {
        cause: error,
      });
    }
    if (why === "ENOTDIR" || why === "EEXIST") {
      throw new UserError(`${failed} a file stands where its folder should be. Move it away and try again.`, {
        cause: error,
      });
    }
    if (why === "ENOSPC" || why === "EDQUOT") {
      throw new UserError(`${failed} the disk is full. Make room and try again.`, { cause: error });
    }
    if (why === "ELOOP") {
      throw new UserError(`${failed} its links lead in a circle. Replace them by a file and try again.`, {
        cause: error,
      });
    }
    throw error;
  }
}
