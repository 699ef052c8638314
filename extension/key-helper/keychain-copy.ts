import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, readFile, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import { describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { writeAtomically } from "./atomic-write.ts";
import { hashOfKey, lookUp, readMark, service, writeMark } from "./keychain-mark.ts";
import type { KeychainMark, KeychainProgram } from "./keychain-mark.ts";
import { markName } from "./mark-name.ts";

// A copy of the tools' key in the system's own keychain, which the helper reads while no window answers. Only where the
// person has agreed to it. It follows the key: another key replaces it, and with no key to serve it goes. The key reaches
// the keychain's program on its standard input, where no list of processes shows it.
// The program of macOS is used after its documentation and has not been run.

export interface KeychainCopyDeps {
  /** The folder of the helper. */
  readonly storageDirectory: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The key that is served to tools. Must not prompt. */
  readonly readKey: () => Promise<string | undefined>;
  readonly log: Log;
  /** Where macOS has its program; for tests. */
  readonly security?: string;
}

export type KeychainState =
  | { readonly kind: "on" | "off" }
  /** A sentence that says why. */
  | { readonly kind: "unavailable"; readonly why: string };

export interface KeychainCopy {
  state(): Promise<KeychainState>;
  /** Agreed: keeps a copy from now on. Throws a UserError, and then has kept none. */
  turnOn(): Promise<void>;
  /** Taken back: removes the copy. Throws a UserError when it is still there, and then the helper does not give it either. */
  turnOff(): Promise<void>;
  /** Brings the copy in line with the key that is served now. Does nothing where nobody agreed. Never rejects. */
  sync(): Promise<void>;
}

const label = "OpenRouter Keys: the key of your coding tools";
const deadlineMilliseconds = 30_000;

/** With which `security` ends: errSecItemNotFound. */
const itemNotFound = 44;

export function createKeychainCopy(deps: KeychainCopyDeps): KeychainCopy {
  const { storageDirectory, readKey, log } = deps;
  const file = join(storageDirectory, markName);
  const account = createHash("sha256").update(storageDirectory).digest("hex").slice(0, 16);
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other: a removal must not be overtaken by the copy before it. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = turn.then(step);
    turn = done.catch(() => undefined);
    return done;
  }

  async function loadMark(): Promise<KeychainMark | undefined> {
    return readMark(await readFile(file, "utf8").catch(() => ""));
  }

  async function saveMark(mark: KeychainMark): Promise<void> {
    await mkdir(storageDirectory, { recursive: true, mode: 0o700 });
    await writeAtomically(file, Buffer.from(writeMark(mark)), { mode: 0o600 });
  }

  async function run(program: string, words: readonly string[], input = "") {
    return runWithInput(program, words, input, keychainEnvironment(deps.env)).catch((error: unknown) => {
      log.warn(`${program} could not be run: ${describe(error)}`);
      return { code: null, stdout: "" };
    });
  }

  /** True when the keychain gives back what it was given. */
  async function put(mark: KeychainMark, secret: string): Promise<boolean> {
    // Words that need no quotes in the language of `security -i`.
    if (!/^[A-Za-z0-9_-]{1,512}$/.test(secret)) return false;
    if (mark.kind === "security") {
      const words = ["add-generic-password", "-U", "-s", service, "-a", account, "-l", `"${label}"`, "-w", secret];
      await run(mark.program, ["-i"], `${words.join(" ")}\n`);
    } else {
      await run(mark.program, ["store", `--label=${label}`, "service", service, "account", account], secret);
    }
    return (await get(mark)) === secret;
  }

  async function get(mark: KeychainMark): Promise<string> {
    return (await run(mark.program, lookUp(mark))).stdout.trim();
  }

  /** True when there is no copy any more; a keychain that is locked, and gives nothing, may still have one. */
  async function remove(mark: KeychainMark): Promise<boolean> {
    if (mark.kind === "security") {
      const { code } = await run(mark.program, ["delete-generic-password", "-s", service, "-a", account]);
      return code === 0 || code === itemNotFound;
    }
    const which = ["service", service, "account", account];
    if ((await run(mark.program, ["clear", ...which])).code === 0) return true;
    // It ends alike when there is nothing and when it may not; a search names what is locked.
    const { code, stdout } = await run(mark.program, ["search", ...which]);
    return code === 0 && stdout === "";
  }

  async function syncOnce(): Promise<void> {
    const mark = await loadMark();
    if (mark === undefined) return;
    const secret = await readKey();
    const hash = secret === undefined ? "" : hashOfKey(secret);
    if (hash === mark.hash) return;
    // From here on the helper gives no copy, whatever the keychain does.
    await saveMark({ ...mark, hash: "-" });
    if (secret === undefined) {
      if (await remove(mark)) await saveMark({ ...mark, hash });
      else log.warn("The copy of the key in the system's keychain could not be removed yet.");
    } else if (await put(mark, secret)) {
      await saveMark({ ...mark, hash });
      log.info("The system's keychain has a copy of the tools' key.");
    } else {
      log.warn("The system's keychain did not take a copy of the tools' key.");
    }
  }

  return {
    state: async () => {
      if ((await loadMark()) !== undefined) return { kind: "on" };
      const found = await findProgram(deps);
      return "why" in found ? { kind: "unavailable", why: found.why } : { kind: "off" };
    },
    turnOn: () =>
      inTurn(async () => {
        const found = await findProgram(deps);
        if ("why" in found) throw new UserError(found.why);
        const secret = await readKey();
        if (secret === undefined) throw new UserError("No key is chosen for your tools. Create one first.");
        const mark = { ...found, account, hash: hashOfKey(secret) };
        if (!(await put(mark, secret))) {
          await remove(mark);
          throw new UserError(
            `The system's keychain did not take the key. Check that it is unlocked and that “${found.program}” works in a terminal, then try again.`,
          );
        }
        await saveMark(mark);
      }),
    turnOff: () =>
      inTurn(async () => {
        const mark = await loadMark();
        if (mark === undefined) return;
        await saveMark({ ...mark, hash: "-" });
        if (!(await remove(mark))) {
          throw new UserError(
            "The copy could not be removed from the system's keychain. Unlock the keychain and try again; until then no tool gets the copy.",
          );
        }
        await rm(file, { force: true });
      }),
    sync: () =>
      inTurn(syncOnce).catch((error: unknown) => {
        log.error(`The copy in the system's keychain could not be brought up to date: ${describe(error)}`);
      }),
  };
}

type Found = Pick<KeychainMark, "kind" | "program"> | { readonly why: string };

async function findProgram({ platform, env, security = "/usr/bin/security" }: KeychainCopyDeps): Promise<Found> {
  if (platform === "win32") {
    return {
      why: "Windows has no program of its own that gives a stored secret back, so no copy can be kept there: your tools need VS Code to be open.",
    };
  }
  const kind: KeychainProgram = platform === "darwin" ? "security" : "secret-tool";
  const folders = (env["PATH"] ?? "").split(posix.delimiter).filter((folder) => posix.isAbsolute(folder));
  const candidates = kind === "security" ? [security] : folders.map((folder) => posix.join(folder, kind));
  for (const program of candidates) {
    const isThere = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return { kind, program };
  }
  return {
    why: `The program ${kind} was not found. Install it (on Debian and Ubuntu: libsecret-tools) and try again.`,
  };
}

/** What the keychain's program needs to reach the keychain of this login, and no more. */
function keychainEnvironment(env: KeychainCopyDeps["env"]): Record<string, string> {
  const kept = ["PATH", "HOME", "LANG", "LC_ALL", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"];
  const graphical = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"];
  return Object.fromEntries([...kept, ...graphical].flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

function runWithInput(
  program: string,
  words: readonly string[],
  input: string,
  env: Record<string, string>,
): Promise<{ readonly code: number | null; readonly stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { env, stdio: "pipe", timeout: deadlineMilliseconds, killSignal: "SIGKILL" });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < 4096) stdout += text;
    });
    // What it says there may quote its input.
    child.stderr.resume();
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, stdout }));
  });
}
