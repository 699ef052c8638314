import { posix, win32 } from "node:path";

/** macOS takes 104 bytes with the closing NUL, Linux 108; over that some versions of Node cut the name off silently. */
export const maxSocketPathBytes = 103;

/** `/4194304-0123456789ab.sock`: the longest name that a server gives its socket. */
const longestName = 26;

export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A folder of the extension's own, in the user's profile. */
  readonly storageDirectory: string;
  /** The system's folder for temporary files, `os.tmpdir()`. */
  readonly temporaryDirectory: string;
  /** Whether a folder is there. XDG_RUNTIME_DIR can name one that is not: after `su`, in a container, in WSL. */
  readonly isFolder: (path: string) => boolean;
  /** The user's number; undefined on Windows. */
  readonly uid: number | undefined;
}

/** The private directory for the sockets of all windows. The same surroundings give every window the same answer. */
export function chooseSocketDirectory(surroundings: Surroundings): string {
  const { platform, env, storageDirectory, temporaryDirectory, isFolder, uid } = surroundings;
  // On Windows the directory holds no sockets but the names and tokens of pipes, so that its length does not matter.
  if (platform === "win32") return win32.join(storageDirectory, "windows");

  const ownName = `openrouter-keys-${uid ?? "user"}`;
  const runtimeDirectory = env["XDG_RUNTIME_DIR"];
  const candidates = [
    ...(runtimeDirectory === undefined || !posix.isAbsolute(runtimeDirectory) || !isFolder(runtimeDirectory)
      ? []
      : [posix.join(runtimeDirectory, "openrouter-keys")]),
    posix.join(storageDirectory, "windows"),
    posix.join(temporaryDirectory, ownName),
  ];
  const fits = (directory: string) => Buffer.byteLength(directory) + longestName <= maxSocketPathBytes;
  return candidates.find(fits) ?? posix.join("/tmp", ownName);
}
