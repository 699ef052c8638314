import { readFile, writeFile } from "node:fs/promises";
import * as z from "zod/mini";
import { catalogue } from "../../extension/tools/catalogue.ts";
import type { ToolEntry } from "../../extension/tools/tool-entry.ts";
import { createTerminals, createUndoStore } from "../extension/tools/tool-world.ts";

const readme = new URL("../../README.md", import.meta.url);
const locks = ["package-lock.json", "further/package-lock.json"];
const [opening, closing] = ["<!-- made by npm run test:further-tools -->", "<!-- /made -->"];

const Lock = z.object({ packages: z.record(z.string(), z.object({ version: z.optional(z.string()) })) });

/** The versions that the tests install, by package: what the lock files hold. */
export async function installedVersions(): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (const name of locks) {
    const { packages } = Lock.parse(JSON.parse(await readFile(new URL(name, import.meta.url), "utf8")));
    for (const [path, { version }] of Object.entries(packages)) {
      if (version !== undefined) versions.set(path.replace(/^node_modules\//, ""), version);
    }
  }
  return versions;
}

/** The README's text with its table of tools as the catalogue and the lock files have it. */
export async function withProvenTable(text: string): Promise<string> {
  const versions = await installedVersions();
  const rows = catalogue.map((entry: ToolEntry) => {
    const { label, proof } = entry;
    if ("missing" in proof) return [label, `not run: ${proof.missing}`, "", keyOf(entry)];
    return [label, proof.package, versions.get(proof.program ?? proof.package) ?? "not installed", keyOf(entry)];
  });
  const cells = [["tool", "package", "version", "the key"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = cells;
  const table = [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
  const [before, rest] = text.split(opening);
  const after = rest?.split(closing)[1];
  if (before === undefined || after === undefined) throw new Error(`The README has lost ${opening} or ${closing}.`);
  return `${before}${opening}\n\n${table}\n\n${closing}${after}`;
}

/** To be called when every tool of the catalogue that can be run has been. */
export async function writeProvenTable(): Promise<void> {
  const text = await readFile(readme, "utf8");
  const made = await withProvenTable(text);
  if (made !== text) await writeFile(readme, made);
}

/** Where the key is, as the tool's own row has it in a home folder that is called `~`. */
function keyOf(entry: ToolEntry): string {
  const deps = {
    home: "~",
    env: {},
    platform: "linux",
    helperCommand: "or-key",
    openRouterUrl: "https://openrouter.ai/api/v1",
    readKey: async () => undefined,
    undoStore: createUndoStore(),
    extensionFolder: () => undefined,
    extensionApi: async () => undefined,
    terminals: createTerminals().terminals,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  } as const;
  const file = entry.files(deps).find(({ holdsKey }) => holdsKey)?.file;
  const place = entry.places?.(deps)[0]?.key;
  return file === undefined ? (place ?? "asked for at each start, in no file") : `in \`${file}\``;
}

function ignore(): void {
  // Nothing is done that could be logged.
}
