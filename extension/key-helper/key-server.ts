import { randomBytes } from "node:crypto";
import { access, chmod, mkdir, readdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import { describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { writeAtomically } from "./atomic-write.ts";
import { isEndpointFile, processOf, readEndpoint } from "./endpoint-files.ts";
import { faultOfPrivateDirectory } from "./private-directory.ts";
import { isSendable, maxLineLength, readRequest, writeAnswer } from "./protocol.ts";
import type { Answer, Endpoint } from "./protocol.ts";
import { maxSocketPathBytes } from "./socket-directory.ts";

// Hands the one key that the person chose for their tools to `or-key`, as long as this window is open. It promises that
// only programs of the same user reach it, and it never keeps, logs or repeats the key: each request reads it anew, so
// that a sign-out or a rotation counts at once. It is no boundary against the user's own programs.
// The pipes of Windows are written after Microsoft's documentation and have not been run.

export interface KeyServerDeps {
  /** Private to the user; made when it is missing. See `chooseSocketDirectory`. */
  readonly directory: string;
  /** The key for the tools; undefined when the person is signed out or has chosen none. Must not prompt. */
  readonly readKey: () => Promise<string | undefined>;
  readonly log: Log;
  /** How often to look whether the socket is still there; 30 s. */
  readonly checkMilliseconds?: number;
}

export interface KeyServer {
  /** Rejects with a UserError when the directory cannot be trusted. Safe to repeat. */
  start(): Promise<void>;
  /** Safe to repeat. When it has resolved, nobody is answered any more. */
  stop(): Promise<void>;
}

interface Listening {
  /** The socket, or on Windows the file with the pipe's name. */
  readonly file: string;
  readonly close: () => Promise<void>;
}

const requestMilliseconds = 5000;

export function createKeyServer({ directory, readKey, log, checkMilliseconds = 30_000 }: KeyServerDeps): KeyServer {
  const isWindows = process.platform === "win32";
  let listening: Listening | undefined;
  let check: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  async function answer(): Promise<Answer> {
    try {
      const secret = await readKey();
      if (secret === undefined || secret === "") return { kind: "none" };
      return isSendable(secret) ? { kind: "key", secret } : { kind: "failed" };
    } catch (error) {
      log.error(`The key helper could not read the key: ${describe(error)}`);
      return { kind: "failed" };
    }
  }

  function serve(endpoint: Endpoint, socket: Socket): void {
    let received = "";
    const takeText = (text: string): void => {
      received += text;
      const end = received.indexOf("\n");
      if (end < 0 && received.length <= maxLineLength) return;
      socket.off("data", takeText);
      const nonce = end < 0 ? undefined : readRequest(endpoint, received.slice(0, end));
      if (nonce === undefined) {
        socket.destroy();
        return;
      }
      void answer().then((given) => socket.destroyed || socket.end(writeAnswer(endpoint, nonce, given)));
    };
    socket.setEncoding("utf8");
    socket.setTimeout(requestMilliseconds, () => socket.destroy());
    socket.on("data", takeText);
    socket.on("error", () => socket.destroy());
  }

  async function listen(): Promise<Listening> {
    await preparePrivateDirectory(directory);
    await removeStaleEndpoints(directory);

    const name = `${process.pid}-${randomBytes(6).toString("hex")}`;
    const file = join(directory, `${name}${isWindows ? ".pipe" : ".sock"}`);
    const endpoint: Endpoint = isWindows
      ? {
          address: `\\\\.\\pipe\\openrouter-keys-${randomBytes(16).toString("hex")}`,
          token: randomBytes(32).toString("hex"),
        }
      : { address: file, token: "" };
    if (!isWindows && Buffer.byteLength(file) > maxSocketPathBytes) {
      throw new UserError(
        `The path of the folder ${directory} is too long for a socket. Set XDG_RUNTIME_DIR to a shorter one.`,
      );
    }

    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      serve(endpoint, socket);
    });
    await startListening(server, endpoint.address);
    const close = async (): Promise<void> => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(file, { force: true });
    };
    server.on("error", (error) => log.error(`The key helper's server failed: ${describe(error)}`));
    try {
      if (isWindows)
        await writeAtomically(file, Buffer.from(`${endpoint.address}\n${endpoint.token}\n`), { mode: 0o600 });
      else await chmod(file, 0o600);
    } catch (error) {
      await close();
      throw error;
    }
    log.debug(`The key helper's server listens in ${directory}.`);
    return { file, close };
  }

  /** The system empties a person's runtime directory when they log out, while a remote VS Code runs on. */
  async function listenAgainIfGone(): Promise<void> {
    if (check === undefined || (listening !== undefined && (await isThere(listening.file)))) return;
    await listening?.close();
    listening = undefined;
    listening = await listen();
  }

  /** One call after the other, so that a stop during a start still stops. */
  function inTurn(step: () => Promise<void>): Promise<void> {
    const done = turn.then(step);
    turn = done.catch(() => undefined);
    return done;
  }

  return {
    start: () =>
      inTurn(async () => {
        listening ??= await listen();
        check ??= setInterval(() => {
          inTurn(listenAgainIfGone).catch((error: unknown) => log.warn(`The key helper's server: ${describe(error)}`));
        }, checkMilliseconds).unref();
      }),
    stop: () =>
      inTurn(async () => {
        clearInterval(check);
        check = undefined;
        await listening?.close();
        listening = undefined;
      }),
  };
}

async function preparePrivateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const fault = await faultOfPrivateDirectory(directory);
  if (fault === undefined) return;
  throw new UserError(
    `The folder ${directory} ${fault}, so that no key can be served from it. Remove it and reload the window.`,
  );
}

/** Takes away what killed windows left. Both signs are asked for: a process of another container has a number unknown here. */
async function removeStaleEndpoints(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => isEndpointFile(name, process.platform));
  for (const name of names) {
    const owner = processOf(name);
    if (owner === undefined || isRunning(owner)) continue;
    const endpoint = await readEndpoint(directory, name, process.platform).catch(() => undefined);
    if (endpoint !== undefined && (await isAnswered(endpoint.address))) continue;
    await rm(join(directory, name), { force: true });
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function isAnswered(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}

function startListening(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
