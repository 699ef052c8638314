import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";

import type { Stores } from "../adapters/postgres/connect.ts";
import { connectEmbedded, connectPostgres } from "../adapters/postgres/connect.ts";
import { isDatabaseAway } from "../adapters/postgres/database.ts";
import type { ComposedFunction } from "../compose.ts";
import { compose } from "../compose.ts";
import { clientAddress } from "../http/client-address.ts";
import type { RequestRecord } from "../http/env.ts";
import type { Settings } from "../settings.ts";
import { SettingsError, readSettings } from "../settings.ts";
import { createNodeFetch } from "./node-fetch.ts";

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
  // Loaded only where a collector is named: it is larger than the function.
  const telemetry =
    settings.telemetryEndpoint === undefined
      ? undefined
      : (await import("../adapters/telemetry/otel.ts")).startTelemetry(settings.telemetryEndpoint);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port, settings.host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : settings.port;
  const publicUrl = settings.port === 0 ? settings.publicUrl.replace(/:0$/, `:${port}`) : settings.publicUrl;
  const { fetch, close } = createNodeFetch();
  const wait = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    await delay(milliseconds, undefined, { signal });
  };
  const goingOn = new Set<Promise<unknown>>();
  const { app, settleDue } = compose(
    { ...settings, publicUrl },
    {
      stores,
      fetch,
      clock: Date.now,
      wait,
      record: log,
      telemetry,
      addressOf: (context) => clientAddress(getConnInfo(context).remote.address, context.req.header("X-Forwarded-For")),
      afterAnswer(work) {
        const done = work.catch(logFailure).finally(() => goingOn.delete(done));
        goingOn.add(done);
      },
    },
  );
  server.on("request", getRequestListener(app.fetch));
  const shown = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  process.stdout.write(`listening on http://${shown}:${port}\n`);

  const stopping = new AbortController();
  const settling = settleByTheClock(settleDue, wait, stopping.signal);

  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  stopping.abort();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.race([closed, delay(drainMs, undefined, { ref: false })]);
  server.closeAllConnections();
  await settling;
  await Promise.all(goingOn);
  await Promise.all([close(), telemetry?.stop()]);
}

const settleEveryMs = 60_000;

/** What is due by the clock, once a minute until the process ends. */
async function settleByTheClock(
  settleDue: ComposedFunction["settleDue"],
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const settled = await settleDue(signal);
      if (Object.values(settled).some((count) => count > 0)) log({ event: "settled", ...settled });
    } catch (error) {
      if (!signal.aborted) logFailure(error);
    }
    await wait(settleEveryMs, signal).catch(() => undefined);
  }
}

/** Of work that no request waits for. */
function logFailure(error: unknown): void {
  log({
    event: "failed",
    reason: isDatabaseAway(error) ? "database" : error instanceof Error ? error.name : "unknown",
  });
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
