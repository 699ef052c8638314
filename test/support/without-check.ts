import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A piece of source and what stands in its place. */
export type Removal = readonly [piece: string, instead: string];

/**
 * A module of the function as it would be without a check: its source with pieces taken out, each of which must occur
 * exactly once. So a test can show that it is this check, and no other, that refuses; and the function needs no switch
 * for it. The copy lies in a folder of its own that is gone when this returns.
 */
export async function importWithout(path: string, removals: readonly Removal[]): Promise<unknown> {
  const original = resolve(path);
  let source = await readFile(original, "utf8");
  for (const [piece, instead] of removals) {
    if (source.split(piece).length !== 2) throw new Error(`${path} does not contain exactly once: ${piece}`);
    source = source.replace(piece, () => instead);
  }
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
