import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";

import { Miniflare } from "miniflare";

/** The Worker as it is deployed, in one file. */
export async function bundleWorker(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-worker-"));
  await promisify(execFile)(process.execPath, ["esbuild.config.mjs", "--worker", folder]);
  const contents = await readFile(join(folder, "functions/cloudflare.js"), "utf8");
  await rm(folder, { recursive: true });
  return contents;
}

/** A Worker in the real workerd, ready to answer, and a database through it as Hyperdrive would present it. */
export async function startWorkerd(options: {
  readonly contents: string;
  readonly databaseUrl: string;
  readonly bindings: Readonly<Record<string, string>>;
  /** 0: a free one. */
  readonly port: number;
}): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const { contents, databaseUrl, bindings, port } = options;
  const workers = new Miniflare({
    modules: [{ type: "ESModule", path: "cloudflare.js", contents }],
    compatibilityDate: "2026-06-01",
    compatibilityFlags: ["nodejs_compat"],
    unsafeTriggerHandlers: true,
    // The function's log is not for who runs this.
    handleRuntimeStdio: (out: Readable, errors: Readable) => void [out.resume(), errors.resume()],
    hyperdrives: { HYPERDRIVE: databaseUrl },
    bindings,
    host: "127.0.0.1",
    port,
  });
  const url = (await workers.ready).href.replace(/\/$/, "");
  return { url, stop: () => workers.dispose() };
}
