import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";

/**
 * Everything that an output channel has, over all starts, in order. VS Code writes each channel to a file below its logs:
 * `<name>.log` of a log channel, `<number>-<name>.log` of a plain one.
 */
export async function readOutput(dataDir: string, channel: string): Promise<string> {
  const logs = join(dataDir, "user-data/logs");
  const files = (await readdir(logs, { recursive: true }).catch(() => [])).toSorted();
  const wanted = files.filter((file) => basename(file).replace(/^\d+-/, "") === `${channel}.log`);
  const texts = await Promise.all(wanted.map((file) => readFile(join(logs, file), "utf8")));
  return texts.join("");
}
