import { readFileSync } from "node:fs";

import type { Stores } from "../adapters/postgres/stores.ts";
import { connectEmbedded, connectPostgres } from "../adapters/postgres/connect.ts";
import { isDatabaseAway } from "../adapters/postgres/database.ts";
import type { Runtime } from "../compose.ts";
import type { RequestRecord } from "../http/env.ts";
import type { Environment, Settings } from "../settings.ts";
import { SettingsError, readSettings } from "../settings.ts";
import { failureEntry, logLine, wait } from "./host.ts";
import type { NodeFetch } from "./node-fetch.ts";
import { createNodeFetch } from "./node-fetch.ts";

const poolSize = 20;
/** How long a nightly run may take that nobody's request waits for. */
export const nightlyMs = 25 * 60_000;

/** What Node brings, alike for the server and for a single run. */
export type NodeMeans = Omit<Runtime, "addressOf" | "afterAnswer"> & Pick<NodeFetch, "prepare">;

/** Does the work with the settings of the environment, then closes what was opened for it. */
export async function withMeans(
  environment: Environment,
  work: (settings: Settings, means: NodeMeans) => Promise<void>,
): Promise<void> {
  const settings = readSettings(environment, (path) => readFileSync(path, "utf8"));
  const stores = await connect(settings);
  try {
    // Loaded only where a collector is named: it is larger than the function.
    const telemetry =
      settings.telemetryEndpoint === undefined
        ? undefined
        : (await import("../adapters/telemetry/otel.ts")).startTelemetry(settings.telemetryEndpoint);
    const { fetch, prepare, close } = createNodeFetch();
    await work(settings, {
      stores,
      fetch,
      prepare,
      clock: Date.now,
      wait,
      record: log,
      telemetry,
    });
    await Promise.all([close(), telemetry?.stop()]);
  } finally {
    await stores.close();
  }
}

function connect(settings: Settings): Promise<Stores> {
  return settings.databaseUrl === undefined
    ? connectEmbedded(settings.dataDir)
    : connectPostgres(settings.databaseUrl, poolSize);
}

export function log(entry: Readonly<Record<string, unknown>> | RequestRecord): void {
  process.stdout.write(`${logLine(entry)}\n`);
}

export function logFailure(error: unknown): void {
  process.stdout.write(`${logLine(failureEntry(error))}\n`);
}

/** Ends the process with what the work returns, or with 1 and a sentence. */
export async function endWithFaults(work: () => Promise<number>): Promise<void> {
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
    process.stderr.write(`${fault(error)}\n`);
    process.exit(1);
  });
  try {
    process.exit(await work());
  } catch (error) {
    // A driver's error may quote the database's address with its password: only what we wrote ourselves is shown whole.
    process.stderr.write(`${fault(error)}\n`);
    process.exit(1);
  }
}

function fault(error: unknown): string {
  if (error instanceof SettingsError) return error.message;
  if (isDatabaseAway(error))
    return "The database in DATABASE_URL cannot be reached. Check that it runs and that the address, user and password are right.";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return "The port is already in use. Stop what listens there, or set PORT to another (0 takes a free one).";
  if (code === "ERR_MODULE_NOT_FOUND")
    return "The embedded database and OpenTelemetry are not in the one file: set DATABASE_URL and leave OTEL_EXPORTER_OTLP_ENDPOINT out, or run the function from the project's folder.";
  if (typeof code === "string") return `The function cannot go on (${code}).`;
  return error instanceof Error ? error.message : "The function cannot go on.";
}
