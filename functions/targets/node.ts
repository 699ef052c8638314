import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";
import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";

import type { Fetch } from "../adapters/openrouter/provisioner.ts";
import type { Stores } from "../adapters/postgres/connect.ts";
import { connectEmbedded, connectPostgres } from "../adapters/postgres/connect.ts";
import { isDatabaseAway } from "../adapters/postgres/database.ts";
import { compose } from "../compose.ts";
import type { RequestRecord } from "../http/env.ts";
import type { Settings } from "../settings.ts";
import { SettingsError, readSettings } from "../settings.ts";

const poolSize = 20;
/** Longer than any request may take. */
const drainMs = 40_000;

function log(entry: Readonly<Record<string, unknown>> | RequestRecord): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`);
}

async function main(): Promise<void> {
  const settings = readSettings(process.env, (path) => readFileSync(path, "utf8"));
  const stores =
    settings.databaseUrl === undefined
      ? await connectEmbedded(settings.dataDir)
      : await connectPostgres(settings.databaseUrl, poolSize);
  try {
    await serve(settings, stores);
  } finally {
    await stores.close();
  }
}

async function serve(settings: Settings, stores: Stores): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port, settings.host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : settings.port;
  const publicUrl = settings.port === 0 ? settings.publicUrl.replace(/:0$/, `:${port}`) : settings.publicUrl;
  const agent = new EnvHttpProxyAgent({ connections: 64, connect: { timeout: 5_000 }, keepAliveTimeout: 30_000 });
  const fetch: Fetch = (url, init) => undiciFetch(url, { ...init, dispatcher: agent });
  const { app, sweep } = compose(
    { ...settings, publicUrl },
    {
      stores,
      fetch,
      clock: Date.now,
      wait: async (milliseconds, signal) => {
        await delay(milliseconds, undefined, { signal });
      },
      record: log,
    },
  );
  server.on("request", getRequestListener(app.fetch));
  const shown = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  process.stdout.write(`listening on http://${shown}:${port}\n`);

  const stopping = new AbortController();
  const sweeping = sweep(stopping.signal).then(
    (swept) => {
      if (swept > 0) log({ event: "swept", reservations: swept });
    },
    (error: unknown) => {
      log({ event: "sweep failed", reason: isDatabaseAway(error) ? "database" : "OpenRouter" });
    },
  );

  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  stopping.abort();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.race([closed, delay(drainMs, undefined, { ref: false })]);
  server.closeAllConnections();
  await sweeping;
  await agent.close();
}

/**
 * postgres.js writes the rollback of a transaction whose connection has just closed to a socket that is gone, from a
 * timer that no caller can guard (porsager/postgres#1208). The transaction itself has failed properly by then, so this
 * one error says nothing new; every other still ends the process.
 */
process.on("uncaughtException", (error) => {
  if (error instanceof TypeError && error.message === "Cannot read properties of null (reading 'write')") {
    log({ event: "database connection lost in a transaction" });
    return;
  }
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
});

try {
  await main();
  process.exit(0);
} catch (error) {
  // A driver's error may quote the database's address with its password: only what we wrote ourselves is shown whole.
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}

function startFault(error: unknown): string {
  if (error instanceof SettingsError) return error.message;
  if (isDatabaseAway(error))
    return "The database in DATABASE_URL cannot be reached. Check that it runs and that the address, user and password are right.";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return "The port is already in use. Stop what listens there, or set PORT to another (0 takes a free one).";
  if (typeof code === "string") return `The function cannot start (${code}).`;
  return error instanceof Error ? error.message : "The function cannot start.";
}
