import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as z from "zod/mini";
import { installKeyHelper } from "../../extension/key-helper/install.ts";
import { createKeyServer } from "../../extension/key-helper/key-server.ts";
import type { KeyServer } from "../../extension/key-helper/key-server.ts";
import { chooseSocketDirectory } from "../../extension/key-helper/socket-directory.ts";
import { createToolSetup } from "../../extension/tools/tool-setup.ts";
import type { ToolSetup } from "../../extension/tools/tool-setup.ts";
import { createTerminals, createUndoStore } from "../extension/tools/tool-world.ts";
import type { OpenRouterStandIn } from "../support/openrouter/stand-in.ts";
import { ensureTools } from "./setup.ts";

const helperProgram = fileURLToPath(new URL("../../extension/key-helper/or-key.ts", import.meta.url));

const NewKey = z.object({ key: z.string(), data: z.object({ hash: z.string() }) });

/** A throw-away home folder with these files, the key helper served in it, and the set-up over it. */
export interface ToolHome {
  readonly home: string;
  readonly keyServer: KeyServer;
  readonly setup: ToolSetup;
  /** The variables of terminals that would be opened now. */
  readonly terminals: ReadonlyMap<string, string>;
  remove(): Promise<void>;
}

export async function openToolHome(
  openRouter: OpenRouterStandIn,
  files: Readonly<Record<string, string>>,
  readKey: () => Promise<string | undefined>,
): Promise<ToolHome> {
  const home = await realpath(await mkdtemp(join(tmpdir(), "or home ")));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text);
  }
  const storageDirectory = join(home, "Application Support");
  const program = join(home, "or-key.cjs");
  await build({ entryPoints: [helperProgram], outfile: program, bundle: true, platform: "node", format: "cjs" });
  const socketDirectory = chooseSocketDirectory({
    platform: process.platform,
    env: {},
    storageDirectory,
    temporaryDirectory: join(home, "t"),
    isFolder: () => false,
    uid: process.getuid?.(),
  });
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const keyServer = createKeyServer({ directory: socketDirectory, readKey, log });
  await keyServer.start();
  const { platform, execPath } = process;
  const helperCommand = await installKeyHelper({ storageDirectory, program, execPath, socketDirectory, platform });
  const { codex, node } = await ensureTools();
  const { variables, terminals } = createTerminals();
  const setup = createToolSetup({
    home,
    env: { HOME: home, PATH: [dirname(codex), dirname(node)].join(delimiter) },
    platform,
    helperCommand,
    openRouterUrl: openRouter.apiUrl,
    readKey,
    undoStore: createUndoStore(),
    extensionFolder: () => undefined,
    extensionApi: async () => undefined,
    terminals,
    log,
  });
  return {
    home,
    keyServer,
    setup,
    terminals: variables,
    async remove() {
      await keyServer.stop();
      await rm(home, { recursive: true, maxRetries: 5 });
    },
  };
}

function ignore(): void {
  // These tests read no log.
}

export async function createKey({
  apiUrl,
  managementKey,
}: OpenRouterStandIn): Promise<{ secret: string; hash: string }> {
  const response = await fetch(`${apiUrl}/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${managementKey}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "tools", limit: 5 }),
  });
  const { key, data } = NewKey.parse(await response.json());
  return { secret: key, hash: data.hash };
}
