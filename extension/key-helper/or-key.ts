// `or-key <directory>`: prints the key that the person chose for their coding tools, got from an open VS Code window, or,
// where no window answers and they agreed to it, from the system's own keychain.
// The key goes to stdout and nowhere else. Without a key: one sentence on stderr, nothing on stdout, exit code 1.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { isEndpointFile, readEndpoint } from "./endpoint-files.ts";
import { hashOfKey, lookUp, readMark } from "./keychain-mark.ts";
import { markName } from "./mark-name.ts";
import { faultOfPrivateDirectory } from "./private-directory.ts";
import { isSendable, maxLineLength, readAnswer, writeRequest } from "./protocol.ts";
import type { Answer, Endpoint } from "./protocol.ts";

const deadlineMilliseconds = 5000;

type Finding =
  | Answer
  | { readonly kind: "closed" | "silent" | "no-copy" }
  | { readonly kind: "refused"; readonly why: string };

const sentences = {
  closed: "VS Code is not running, or you are signed out there. Open VS Code and try again.",
  "no-copy":
    "VS Code is not running, and the system's keychain did not give a copy of the key. Open VS Code and try again.",
  none: "VS Code is open, but you are signed out there or no key is chosen for your tools. Sign in or create a key in VS Code and try again.",
  failed: "VS Code could not read the key. Reload the VS Code window and try again.",
  silent: "VS Code did not answer in time. Try again, and reload the VS Code window if it stays so.",
} as const;

/** One window's answer. Never rejects: a window that was killed leaves a socket that nobody listens on. */
function askWindow(endpoint: Endpoint): Promise<Finding> {
  return new Promise((resolve) => {
    const nonce = randomBytes(16).toString("hex");
    let received = "";
    const socket = connect(endpoint.address);
    socket.setEncoding("utf8");
    socket.once("connect", () => socket.write(writeRequest(endpoint, nonce)));
    socket.on("data", (text: string) => {
      received += text;
      const end = received.indexOf("\n");
      if (end >= 0) resolve(readAnswer(endpoint, nonce, received.slice(0, end)) ?? { kind: "closed" });
      if (end >= 0 || received.length > maxLineLength) socket.destroy();
    });
    socket.once("error", () => socket.destroy());
    socket.once("close", () => resolve({ kind: "closed" }));
  });
}

/** Asks all windows at once, since a busy one may keep silent: the first key wins, else the most telling answer. */
async function askWindows(directory: string): Promise<Finding> {
  let names: readonly string[];
  try {
    const fault = await faultOfPrivateDirectory(directory);
    if (fault !== undefined) return { kind: "refused", why: fault };
    names = (await readdir(directory)).filter((name) => isEndpointFile(name, process.platform));
  } catch {
    return { kind: "closed" };
  }
  return new Promise((resolve) => {
    const answers = names.map(async (name): Promise<Finding["kind"]> => {
      const endpoint = await readEndpoint(directory, name, process.platform).catch(() => undefined);
      const finding: Finding = endpoint === undefined ? { kind: "closed" } : await askWindow(endpoint);
      if (finding.kind === "key") resolve(finding);
      return finding.kind;
    });
    void Promise.all(answers).then((kinds) => {
      resolve({ kind: kinds.includes("none") ? "none" : kinds.includes("failed") ? "failed" : "closed" });
    });
    setTimeout(() => resolve({ kind: "silent" }), deadlineMilliseconds);
  });
}

/** The copy that the person agreed to, if it is one of the key that was served last; a signed-out window has taken it back. */
async function askKeychain(): Promise<Finding> {
  const text = await readFile(join(dirname(process.argv[1] ?? ""), markName), "utf8").catch(() => "");
  const mark = readMark(text);
  if (mark === undefined || mark.hash.length < 2) return { kind: "closed" };
  return new Promise((resolve) => {
    // It may have to ask the person to unlock the keychain.
    execFile(mark.program, lookUp(mark), { timeout: 30_000, maxBuffer: 4096 }, (error, stdout) => {
      const secret = stdout.trim();
      const isIt = error === null && isSendable(secret) && hashOfKey(secret) === mark.hash;
      resolve(isIt ? { kind: "key", secret } : { kind: "no-copy" });
    });
  });
}

async function main(): Promise<void> {
  const directory = process.argv[2] ?? "";
  const asked = await askWindows(directory);
  const finding = asked.kind === "closed" ? await askKeychain() : asked;
  if (finding.kind === "key") {
    process.stdout.write(`${finding.secret}\n`, () => process.exit(0));
    return;
  }
  const sentence =
    finding.kind === "refused"
      ? `the folder ${directory} ${finding.why}, so that it is not safe to read a key from it. Remove it and reload the VS Code window.`
      : sentences[finding.kind];
  process.stderr.write(`OpenRouter Keys: ${sentence}\n`, () => process.exit(1));
}

void main();
