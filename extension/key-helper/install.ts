import { chmod, mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "./atomic-write.ts";
import { quoteForShell } from "./shell-quote.ts";

export interface KeyHelperPlace {
  /** A folder of the extension's own, in the user's profile. */
  readonly storageDirectory: string;
  /** The bundled `or-key.cjs`. It is copied, since the extension's own folder changes with every update. */
  readonly program: string;
  /** VS Code's own runtime, `process.execPath`: the machine needs no Node. */
  readonly execPath: string;
  readonly socketDirectory: string;
  readonly platform: NodeJS.Platform;
}

/**
 * Puts the command `or-key` in place and returns its absolute path, which stays the same. To be called at every
 * activation, since the runtime moves with an update. Writes nothing when all is in place.
 */
export async function installKeyHelper(place: KeyHelperPlace): Promise<string> {
  const { storageDirectory, platform } = place;
  await mkdir(storageDirectory, { recursive: true, mode: 0o700 });
  const copy = join(storageDirectory, "or-key.cjs");
  const command = join(storageDirectory, platform === "win32" ? "or-key.cmd" : "or-key");
  await writeIfDifferent(copy, await readFile(place.program), 0o600);
  // The command comes last, so that it never names a program that is not there.
  await writeIfDifferent(
    command,
    Buffer.from(platform === "win32" ? windowsCommand(place) : shellCommand(place, copy)),
    0o700,
  );
  return command;
}

function shellCommand({ execPath, socketDirectory }: KeyHelperPlace, copy: string): string {
  const words = [execPath, copy, socketDirectory].map(quoteForShell).join(" ");
  // NODE_OPTIONS of the person's shell could make the runtime print to stdout, which is the key's alone.
  return `#!/bin/sh\nunset NODE_OPTIONS\nexport ELECTRON_RUN_AS_NODE=1\nexec ${words}\n`;
}

/** Written after cmd's documentation and not run. `%~dp0` is the command's own folder. */
function windowsCommand({ execPath, storageDirectory, socketDirectory }: KeyHelperPlace): string {
  const own = `${storageDirectory}\\`;
  const quote = (path: string): string =>
    `"${path.startsWith(own) ? `%~dp0${escape(path.slice(own.length))}` : escape(path)}"`;
  const words = [execPath, `${own}or-key.cjs`, socketDirectory].map(quote).join(" ");
  const lines = [
    "@echo off",
    "setlocal DisableDelayedExpansion",
    "set NODE_OPTIONS=",
    "set ELECTRON_RUN_AS_NODE=1",
    words,
  ];
  // cmd reads a batch file in the console's code page; only names beyond ASCII are worth changing that.
  // oxlint-disable-next-line no-control-regex
  if (/[^\x00-\x7f]/.test(words)) lines.splice(2, 0, "chcp 65001 >nul");
  return lines.map((line) => `${line}\r\n`).join("");
}

function escape(path: string): string {
  return path.replaceAll("%", "%%");
}

async function writeIfDifferent(path: string, bytes: Buffer, mode: number): Promise<void> {
  const present = await readFile(path).catch(() => undefined);
  if (present?.equals(bytes) !== true) {
    await writeAtomically(path, bytes, { mode });
  } else if (process.platform !== "win32" && ((await stat(path)).mode & 0o777) !== mode) {
    await chmod(path, mode);
  }
}
