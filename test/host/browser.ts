import { execFile, spawn } from "node:child_process";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { chmod, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { constants, createBrotliDecompress } from "node:zlib";

/** A Chromium that starts on this machine. */
export interface Browser {
  readonly path: string;
  /** Variables that it needs besides the usual ones (its own libraries and fonts). */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it can only run without a window. */
  readonly headlessOnly: boolean;
}

type Step = (title: string, work: () => Promise<void>) => Promise<void>;

/**
 * In this order: the one named by the variable CHROMIUM, the one from npm (@sparticuz/chromium, Linux on x64), an
 * installed Chrome, Chromium or Edge. Throws a sentence that says what to install.
 */
export async function findBrowser(modules: string, step: Step): Promise<Browser> {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return { path: named, env: {}, headlessOnly: named.includes("headless") };

  const packed = join(modules, "@sparticuz/chromium/bin");
  if (process.platform === "linux" && process.arch === "x64" && existsSync(packed)) {
    const unpacked = await unpackedBrowser(packed, join(modules, ".chromium"), step);
    if (unpacked !== undefined) return unpacked;
  }
  const installed = usualPlaces().find((path) => existsSync(path));
  if (installed !== undefined) return { path: installed, env: {}, headlessOnly: false };
  throw new Error(
    "No browser to test with: the one from npm does not start here and no Chrome or Chromium is installed. " +
      "On Debian or Ubuntu: `apt-get update && apt-get install -y libnss3 libexpat1` lets the one from npm start, " +
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
  const fonts = { FONTCONFIG_FILE: join(folder, "fonts.conf") };
  const started = join(folder, "libraries");
  // The machine's own libraries first; the package brings NSS and expat for machines that have none.
  if (!existsSync(started)) {
    const own = join(folder, "lib");
    if (await starts(path, fonts)) await writeFile(started, "");
    else if (await starts(path, { ...fonts, LD_LIBRARY_PATH: own })) await writeFile(started, own);
    else return undefined;
  }
  const libraries = await readFile(started, "utf8");
  return {
    path,
    env: libraries === "" ? fonts : { ...fonts, LD_LIBRARY_PATH: libraries },
    headlessOnly: true,
  };
}

async function starts(path: string, env: Record<string, string>): Promise<boolean> {
  return promisify(execFile)(path, ["--version"], { env: { ...process.env, ...env } }).then(
    () => true,
    () => false,
  );
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
  await Promise.all([pipeline(createReadStream(archive), decompressor(), tar.stdin), ended]);
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
  return ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chromium-headless-shell", "microsoft-edge"].flatMap(
    (name) => folders.map((folder) => join(folder, name)),
  );
}
