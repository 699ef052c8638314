import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as z from "zod/mini";

import type { compose } from "../../functions/compose.ts";

/** A piece of source and what stands in its place. */
export type Removal = readonly [piece: string, instead: string];

/**
 * A module of the function as it would be without a check: its source with pieces taken out, each of which must occur
 * exactly once. So a test can show that it is this check, and no other, that refuses; and the function needs no switch
 * for it. The copy lies in a folder of its own that is gone when this returns.
 */
export async function importWithout(path: string, removals: readonly Removal[]): Promise<unknown> {
  const original = resolve(path);
  const source = await readWithout(original, removals);
  const base = pathToFileURL(original);
  const moved = source.replaceAll(/(from\s+)"([^"]+)"/g, (_all, from: string, specifier: string) => {
    const target = specifier.startsWith(".") ? new URL(specifier, base).href : import.meta.resolve(specifier);
    return `${from}${JSON.stringify(target)}`;
  });
  const folder = await mkdtemp(join(tmpdir(), "without-check-"));
  try {
    const copy = join(folder, "module.ts");
    await writeFile(copy, moved);
    return await import(pathToFileURL(copy).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const Composed = z.object({ compose: z.custom<typeof compose>((value) => typeof value === "function") });

/** The whole function as it would be without checks of one of its modules, for attacks from outside. */
export async function composeWithout(
  path: string,
  removals: readonly Removal[],
): Promise<{ readonly compose: typeof compose; readonly remove: () => Promise<void> }> {
  const root = resolve(import.meta.dirname, "../..");
  await mkdir(join(root, "dist"), { recursive: true });
  // Within the project, where its packages are found. It stays for a while: parts are loaded when first used.
  const folder = await mkdtemp(join(root, "dist/without-check-"));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await cp(join(root, "functions"), join(folder, "functions"), { recursive: true });
    await writeFile(join(folder, path), await readWithout(join(root, path), removals));
    const imported: unknown = await import(pathToFileURL(join(folder, "functions/compose.ts")).href);
    return { compose: Composed.parse(imported).compose, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function readWithout(path: string, removals: readonly Removal[]): Promise<string> {
  let source = await readFile(path, "utf8");
  for (const [piece, instead] of removals) {
    if (source.split(piece).length !== 2) throw new Error(`${path} does not contain exactly once: ${piece}`);
    source = source.replace(piece, () => instead);
  }
  return source;
}
