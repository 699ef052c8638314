import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { copyTemplate } from "../../support/databases.ts";
import { bundleFunction, startFunctionProcess } from "../../support/function-process.ts";
import { bundleWorker, startWorkerd } from "../../support/workerd.ts";

const run = promisify(execFile);

/** The function on one of its hosts, as it is deployed there. */
export interface Host {
  readonly name: string;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** By name, each with how it starts; `settings` are those of a deployment, but for address and database. */
type Start = (settings: (url: string) => Readonly<Record<string, string>>) => Promise<Omit<Host, "name">>;

export const hosts: Readonly<Record<string, Start>> = {
  "Node with PGlite": async (settings) => {
    const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-host-"));
    const host = await startNode(settings, { DATA_DIR: folder });
    return {
      url: host.url,
      async stop() {
        await host.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  "Node with PostgreSQL": async (settings) => startNode(settings, { DATABASE_URL: await copyTemplate() }),
  "Cloudflare Workers": startWorker,
  Vercel: startVercel,
};

async function startNode(settings: Parameters<Start>[0], database: Readonly<Record<string, string>>) {
  const { server } = await bundleFunction();
  const port = await freePort();
  const environment = { ...settings(`http://127.0.0.1:${port}`), ...database, PORT: String(port) };
  const { url, kill } = await startFunctionProcess(environment, server);
  return { url, stop: kill };
}

async function startVercel(settings: Parameters<Start>[0]) {
  const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-vercel-"));
  const output = join(folder, ".vercel/output");
  await run(process.execPath, ["esbuild.config.mjs", "--vercel", output]);
  const port = await freePort();
  const environment = { ...settings(`http://127.0.0.1:${port}`), DATABASE_URL: await copyTemplate() };
  const started = await startFunctionProcess({ ...environment, PORT: String(port) }, "test/support/vercel.ts", [
    output,
  ]);
  return {
    url: started.url,
    async stop() {
      await started.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startWorker(settings: Parameters<Start>[0]) {
  const [port, contents, databaseUrl] = await Promise.all([freePort(), bundleWorker(), copyTemplate()]);
  return startWorkerd({ contents, databaseUrl, bindings: settings(`http://127.0.0.1:${port}`), port });
}

/** Each host is told its own address before it starts. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}
