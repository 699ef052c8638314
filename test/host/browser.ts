import { spawn } from "node:child_process";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createServer as createSecureServer } from "node:https";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createBrotliDecompress } from "node:zlib";
import { chromium } from "playwright-core";
import * as z from "zod/mini";
import { selfSigned } from "./certificate.ts";

/** A Chromium that starts on this machine. */
export interface Browser {
  readonly path: string;
  /** Variables that it needs besides the usual ones (its own libraries and fonts). */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it can only run without a window. */
  readonly headlessOnly: boolean;
  /** Whether it can open https addresses (for which the one from npm needs SQLite of the machine). */
  readonly https: boolean;
}

type Step = (title: string, work: () => Promise<void>) => Promise<void>;

/**
 * In this order: the one named by the variable CHROMIUM, the one from npm (@sparticuz/chromium, Linux on x64), an
 * installed Chrome, Chromium or Edge. Throws a sentence that says what to install.
 */
export async function findBrowser(modules: string, step: Step): Promise<Browser> {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "")
    return { path: named, env: {}, headlessOnly: named.includes("headless"), https: true };

  const packed = join(modules, "@sparticuz/chromium/bin");
  if (process.platform === "linux" && process.arch === "x64" && existsSync(packed)) {
    const unpacked = await unpackedBrowser(packed, join(modules, ".chromium"), step);
    if (unpacked !== undefined) return unpacked;
  }
  const installed = usualPlaces().find((path) => existsSync(path));
  if (installed !== undefined) return { path: installed, env: {}, headlessOnly: false, https: true };
  throw new Error(
    "No browser to test with: the one from npm does not start here and no Chrome or Chromium is installed. " +
      "On Debian or Ubuntu: `apt-get update && apt-get install -y libnss3` lets the one from npm start, " +
      "or `apt-get install -y chromium`; elsewhere install Chrome, or name a browser by CHROMIUM=/path/to/it.",
  );
}

async function unpackedBrowser(packed: string, folder: string, step: Step): Promise<Browser | undefined> {
  const path = join(folder, "chromium");
  if (!existsSync(path)) {
    await step("Unpacking the browser (once)", async () => {
      if (!existsSync(path)) await unpack(packed, folder);
    });
  }
  const env = { FONTCONFIG_FILE: join(folder, "fonts.conf") };
  const triedFile = join(folder, "tried.json");
  if (!existsSync(triedFile)) await writeFile(triedFile, JSON.stringify(await tryOut(path, env, join(folder, "lib"))));
  const tried = attempt.parse(JSON.parse(await readFile(triedFile, "utf8")));
  if (tried.result === "fails") return undefined;
  return { path, env: { ...env, ...tried.env }, headlessOnly: true, https: tried.result === "https" };
}

const attempt = z.object({ env: z.record(z.string(), z.string()), result: z.enum(["https", "http", "fails"]) });
type Attempt = z.infer<typeof attempt>;

/** The machine's own libraries first; the package brings NSS and expat for machines that have none. */
async function tryOut(path: string, env: Record<string, string>, own: string): Promise<Attempt> {
  const found: Attempt[] = [];
  for (const more of [{}, { LD_LIBRARY_PATH: own }]) {
    found.push({ env: more, result: await opens(path, { ...env, ...more }) });
    if (found.at(-1)?.result === "https") break;
  }
  const best = found.find(({ result }) => result === "https") ?? found.find(({ result }) => result === "http");
  return best ?? { env: {}, result: "fails" };
}

async function opens(path: string, env: Record<string, string>): Promise<Attempt["result"]> {
  const { certificate, key } = selfSigned("localhost");
  const secure = createSecureServer({ cert: certificate, key }, (_request, response) => response.end("it opens"));
  await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  const address = secure.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  const shows = async (url: string) => {
    const browser = await chromium.launch({ executablePath: path, env, timeout: 20_000 });
    try {
      const page = await browser.newPage({ ignoreHTTPSErrors: true });
      await page.goto(url, { timeout: 10_000 });
      return (await page.content()).includes("it opens");
    } finally {
      await browser.close();
    }
  };
  const works = (url: string) => shows(url).catch(() => false);
  try {
    if (await works(`https://127.0.0.1:${port}/`)) return "https";
    return (await works("data:text/html,it opens")) ? "http" : "fails";
  } finally {
    secure.closeAllConnections();
    secure.close();
  }
}

async function unpack(packed: string, folder: string): Promise<void> {
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
  await mkdir(making, { recursive: true });
  const archives = (await readdir(packed)).filter((name) => name.endsWith(".tar.br"));
  for (const name of archives) await untar(join(packed, name), making);
  const binary = join(making, "chromium");
  await pipeline(createReadStream(join(packed, "chromium.br")), decompressor(), createWriteStream(binary));
  await chmod(binary, 0o755);
  // The package's own font configuration names fixed folders of the machine it was made for.
  await writeFile(
    join(making, "fonts.conf"),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>` +
      `<dir>${join(folder, "fonts")}</dir><dir>/usr/share/fonts</dir>` +
      `<cachedir>${join(folder, "fonts-cache")}</cachedir></fontconfig>\n`,
  );
  await rename(making, folder);
}

async function untar(archive: string, folder: string): Promise<void> {
  const tar = spawn("tar", ["-x", "-f", "-", "-C", folder], { stdio: ["pipe", "ignore", "inherit"] });
  const ended = new Promise<void>((resolve, reject) => {
    tar.once("error", reject);
    tar.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${String(code)}`))));
  });
  const feeding = pipeline(createReadStream(archive), decompressor(), tar.stdin);
  // tar stops reading at the archive's end mark, perhaps before all that follows it is written; it is tar that says
  // whether the archive was whole.
  await Promise.all([feeding.catch(() => tar.stdin.destroy()), ended]);
}

function decompressor() {
  return createBrotliDecompress({
    chunkSize: 1 << 20,
    params: { [constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 1 },
  });
}

function usualPlaces(): string[] {
  if (process.platform === "darwin") {
    return ["Google Chrome", "Chromium", "Microsoft Edge"].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    );
  }
  if (process.platform === "win32") {
    const roots = ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].map((name) => process.env[name] ?? "");
    return roots.flatMap((root) => [
      join(root, "Google/Chrome/Application/chrome.exe"),
      join(root, "Microsoft/Edge/Application/msedge.exe"),
    ]);
  }
  const folders = (process.env["PATH"] ?? "").split(":");
  return [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chromium-headless-shell",
    "microsoft-edge",
  ].flatMap((name) => folders.map((folder) => join(folder, name)));
}
