import type { IncomingMessage, ServerResponse } from "node:http";

import { getRequestListener } from "@hono/node-server";
import { drizzle } from "drizzle-orm/postgres-js";

import { openClient } from "../adapters/postgres/postgres-client.ts";
import { storesOn } from "../adapters/postgres/stores.ts";
import { compose } from "../compose.ts";
import { SettingsError, readSettings } from "../settings.ts";
import { failureEntry, logLine, unusableSettings, wait } from "./host.ts";

/**
 * Vercel, as a function of its Node runtime: the build makes its Build Output (`esbuild.config.mjs`). The database is
 * PostgreSQL and is brought up to date by `npm run migrate` before a version is deployed. One instance answers many
 * requests, and goes to sleep between them: the nightly run and what is due by the clock come with Vercel's cron, which
 * calls `/v1/cron/nightly` with CRON_SECRET.
 */

const poolSize = 5;

type Answer = (request: Request) => Response | Promise<Response>;

let known: Answer | undefined;

const listener = getRequestListener((request) => (known ??= open())(request));

export default function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return listener(request, response);
}

function open(): Answer {
  try {
    const settings = readSettings(process.env);
    if (settings.databaseUrl === undefined) {
      throw new SettingsError([
        "DATABASE_URL is missing: Vercel keeps no files, so the database has to be PostgreSQL.",
      ]);
    }
    const client = openClient(settings.databaseUrl, poolSize);
    const { app } = compose(settings, {
      stores: storesOn(drizzle(client, { casing: "snake_case" }), () => client.end({ timeout: 5 })),
      fetch,
      clock: Date.now,
      wait,
      record: log,
      // Vercel writes these itself; what a caller sends under these names does not come through.
      addressOf: ({ req }) => req.header("X-Vercel-Forwarded-For") ?? req.header("X-Forwarded-For") ?? "unknown",
      afterAnswer(work) {
        keepRunning(work.catch((error: unknown) => log(failureEntry(error))));
      },
    });
    return app.fetch;
  } catch (error) {
    log(failureEntry(error));
    return unusableSettings;
  }
}

/**
 * Tells Vercel not to put this instance to sleep yet, as `waitUntil` of @vercel/functions does. Where nobody listens, the
 * work goes on as long as it is let: whatever it holds runs out by itself.
 */
function keepRunning(work: Promise<unknown>): void {
  const holder: unknown = Reflect.get(globalThis, Symbol.for("@vercel/request-context"));
  const context = callable(holder, "get")?.();
  callable(context, "waitUntil")?.(work);
}

function callable(of: unknown, name: string): ((...parameters: readonly unknown[]) => unknown) | undefined {
  const value: unknown = typeof of === "object" && of !== null ? Reflect.get(of, name) : undefined;
  return typeof value === "function" ? (...parameters) => Reflect.apply(value, of, parameters) : undefined;
}

function log(entry: object): void {
  process.stdout.write(`${logLine(entry)}\n`);
}
