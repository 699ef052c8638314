import { execFile } from "node:child_process";
import { chmod, cp, glob, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";

import type { ZipEntry } from "./read-zip.ts";
import { readZip } from "./read-zip.ts";

/** What the packer itself reads, or gives another name. */
const documents = ["README.md", "CHANGELOG.md", "LICENSE"];

/** A time that every archive can hold; the commit's would differ where the history is not at hand. */
const epoch = Date.UTC(2020, 0, 1) / 1_000;

/**
 * The extension as a person installs it, from what the build has left in `dist`. The same files make the same bytes,
 * whoever packs them and wherever: they are packed from a copy with times, rights and order of its own.
 */
export async function packExtension(vsix: string): Promise<void> {
  const stage = await mkdtemp(join(tmpdir(), "openrouter-keys-package-"));
  try {
    for (const file of [".vscodeignore", ...(await shippedFiles())]) {
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

/** What `.vscodeignore` lets in; a name in it that leads to no file is a mistake. */
async function shippedFiles(): Promise<readonly string[]> {
  const lines = (await readFile(".vscodeignore", "utf8")).split("\n");
  const patterns = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const found: string[] = [];
  for (const pattern of patterns) {
    const before = found.length;
    for await (const file of glob(pattern, { withFileTypes: true })) {
      if (file.isFile()) found.push(relative(".", join(file.parentPath, file.name)).replaceAll("\\", "/"));
    }
    if (found.length === before) throw new Error(`.vscodeignore lets in ${pattern}, and there is no such file.`);
  }
  return found;
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
    ...["readme.md", "changelog.md", "LICENSE.txt"].map((file) => `extension/${file}`),
    ...(await shippedFiles()).filter((file) => !documents.includes(file)).map((file) => `extension/${file}`),
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
