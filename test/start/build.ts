import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Builds dist/ as `npm run build` does. Returns what it printed. */
export async function buildExtension(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["esbuild.config.mjs"]);
  return stdout;
}
