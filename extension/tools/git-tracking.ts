import { lstat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { UserError } from "../base/errors.ts";
import { findPrograms, leanEnvironment, runProgram } from "./program.ts";
import type { Surroundings } from "./program.ts";

/**
 * Throws a UserError when the file lies in a git work tree and is not ignored there: what is written to it would be
 * committed and pushed. A repository of dot-files whose work tree is the home folder is the usual case.
 */
export async function refuseTrackedFile(file: string, surroundings: Surroundings): Promise<void> {
  const workTree = await workTreeOf(dirname(file));
  if (workTree === undefined) return;
  const inTree = relative(workTree, file).split(sep).join("/");
  if (await isIgnored(workTree, file, surroundings)) return;
  throw new UserError(
    `${file} is in the git work tree ${workTree} and not ignored there, so it was left as it is. ` +
      `Add /${inTree} to its .gitignore (and run "git rm --cached ${inTree}" if git knows the file), then try again.`,
  );
}

async function workTreeOf(folder: string): Promise<string | undefined> {
  for (let current = folder; ; current = dirname(current)) {
    const isWorkTree = await lstat(join(current, ".git")).then(
      () => true,
      () => false,
    );
    if (isWorkTree) return current;
    if (dirname(current) === current) return undefined;
  }
}

/** Git itself answers, since what it ignores also depends on files outside the work tree. No answer counts as no. */
async function isIgnored(workTree: string, file: string, surroundings: Surroundings): Promise<boolean> {
  const [git] = await findPrograms("git", surroundings);
  if (git === undefined) return false;
  // The repository's own configuration must not start a program here.
  const args = ["-c", "core.fsmonitor=false", "-C", workTree, "check-ignore", "--quiet", "--", file];
  const request = { env: leanEnvironment(surroundings.env), platform: surroundings.platform, milliseconds: 10_000 };
  const { code } = await runProgram(git, args, request).catch(() => ({ code: null }));
  return code === 0;
}
