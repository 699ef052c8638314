import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

import type { ZipEntry } from "./read-zip.ts";
import { readZip } from "./read-zip.ts";

/** What goes into the package besides the bundles. */
const documents = ["package.json", "README.md", "CHANGELOG.md", "LICENSE", ".vscodeignore"];
const others = ["media/icon.png", "media/keys.svg", "dist/or-key.cjs", "package.nls.json", "package.nls.de.json"];
/** All that is in them is shipped. */
const folders = ["dist/extension", "dist/webview", "extension/l10n", "media/walkthrough"];

/** A time that every archive can hold; the commit's would differ where the history is not at hand. */
const epoch = Date.UTC(2020, 0, 1) / 1_000;

/**
 * The extension as a person installs it, from what the build has left in `dist`. The same files make the same bytes,
 * whoever packs them and wherever: they are packed from a copy with times, rights and order of its own.
 */
export async function packExtension(vsix: string): Promise<void> {
  const stage = await mkdtemp(join(tmpdir(), "openrouter-keys-package-"));
  try {
    for (const file of [...documents, ...others, ...(await filesInFolders())]) {
      const copy = join(stage, file);
      await mkdir(dirname(copy), { recursive: true });
      await cp(file, copy);
      await chmod(copy, 0o644);
    }
    const vsce = resolve("node_modules/@vscode/vsce/vsce");
    const flags = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links"];
    await promisify(execFile)(process.execPath, [vsce, "package", ...flags, "--out", resolve(vsix)], {
      cwd: stage,
      env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch), TZ: "UTC", LC_ALL: "C", LANG: "C" },
    });
  } finally {
    await rm(stage, { recursive: true });
  }
  await inspectPackage(vsix);
}

async function filesInFolders(): Promise<readonly string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => `${folder}/${name}`)),
  );
  return found.flat();
}

/** Shapes of secrets; what only describes such a shape, as code that hides them does, is shorter. */
const secrets: readonly RegExp[] = [
  /sk-or-(?:v1-|mgmt-)?[0-9A-Za-z]{16,}/,
  /sk-ant-[\w-]{16,}/,
  /GOCSPX-[\w-]{10,}/,
  /ya29\.[\w-]{20,}/,
  /ors_[\w-]{43}/,
  /gh[pousr]_[0-9A-Za-z]{30,}|github_pat_\w{30,}/,
  /npm_[0-9A-Za-z]{36}/,
  /AKIA[0-9A-Z]{16}/,
  /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{20}/,
  /postgres(?:ql)?:\/\/[^\s:@/]+:[^\s@/$…]{8,}@(?!host\b)/,
];

async function inspectPackage(vsix: string): Promise<void> {
  const meant = [
    "[Content_Types].xml",
    "extension.vsixmanifest",
    ...["package.json", "readme.md", "changelog.md", "LICENSE.txt", ...others, ...(await filesInFolders())].map(
      (file) => `extension/${file}`,
    ),
  ];
  const faults = faultsIn(readZip(await readFile(vsix)), meant);
  if (faults.length > 0) {
    throw new Error(`The package is not as it should be:\n${faults.map((each) => `  - ${each}`).join("\n")}`);
  }
}

/** What is in a package besides exactly the files that are meant, and what must be in none. */
export function faultsIn(entries: readonly ZipEntry[], meant: readonly string[]): readonly string[] {
  const names = entries.map(({ name }) => name);
  return [
    ...names.filter((name) => !meant.includes(name)).map((name) => `${name} is not meant to be in it`),
    ...meant.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...entries.flatMap(({ name, content }) => {
      const text = content.toString("latin1");
      const isCode = /\.c?js$/.test(name);
      return [
        ...secrets.filter((shape) => shape.test(text)).map((shape) => `${name} has something like ${shape.source}`),
        // What the function's code has in every bundle, and the extension's never.
        ...(isCode && /OPENROUTER_MANAGEMENT_KEY|drizzle:/.test(text) ? [`${name} has the function's code in it`] : []),
      ];
    }),
  ];
}
