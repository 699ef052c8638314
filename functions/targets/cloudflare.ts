import { drizzle } from "drizzle-orm/postgres-js";

import type { Fetch } from "../adapters/openrouter/provisioner.ts";
import { openClient } from "../adapters/postgres/postgres-client.ts";
import { storesOn } from "../adapters/postgres/stores.ts";
import type { ComposedFunction } from "../compose.ts";
import { compose } from "../compose.ts";
import type { Settings } from "../settings.ts";
import { SettingsError, readSettings } from "../settings.ts";
import { failureEntry, logLine, unusableSettings, wait } from "./host.ts";

/**
 * Cloudflare Workers. The database is PostgreSQL, through the binding `HYPERDRIVE` or `DATABASE_URL`, and is brought up
 * to date by `npm run migrate` before a version is deployed. A socket may not outlive the event it was opened in, so each
 * event has its own connections; nothing else is kept between events either.
 */

/** What a Worker is given: texts are settings. */
type Bindings = Readonly<Record<string, unknown>>;

type WorkerSettings = Settings & { readonly databaseUrl: string };

interface ExecutionContext {
  waitUntil(work: Promise<unknown>): void;
}

const poolSize = 4;
/** A cron event may run for 15 minutes. */
const nightlyMs = 13 * 60_000;

export default {
  async fetch(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
    let settings: WorkerSettings;
    try {
      settings = readBindings(bindings);
    } catch (error) {
      logFailure(error);
      return unusableSettings();
    }
    const event = open(settings);
    const response = await event.app.fetch(request);
    if (response.body === null) {
      context.waitUntil(event.close());
      return response;
    }
    // An export is still being read from the database while it is sent.
    const { readable, writable } = new TransformStream();
    context.waitUntil(
      response.body
        .pipeTo(writable)
        .catch(() => undefined)
        .then(event.close),
    );
    return new Response(readable, response);
  },

  async scheduled(_event: unknown, bindings: Bindings): Promise<void> {
    const event = open(readBindings(bindings));
    try {
      log({ event: "nightly", ...(await event.runNightly(AbortSignal.timeout(nightlyMs))) });
    } catch (error) {
      logFailure(error);
      throw error;
    } finally {
      await event.close();
    }
  },
};

function readBindings(bindings: Bindings): WorkerSettings {
  const texts = Object.entries(bindings).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  const hyperdrive = bindings["HYPERDRIVE"];
  const url: unknown = typeof hyperdrive === "object" ? Object(hyperdrive).connectionString : undefined;
  const settings = readSettings({
    ...Object.fromEntries(texts),
    ...(typeof url === "string" ? { DATABASE_URL: url } : {}),
  });
  const { databaseUrl } = settings;
  if (databaseUrl === undefined) {
    throw new SettingsError(["DATABASE_URL is missing: bind a Hyperdrive as HYPERDRIVE, or set it as a secret."]);
  }
  return { ...settings, databaseUrl };
}

function open(settings: WorkerSettings): ComposedFunction & { readonly close: () => Promise<void> } {
  const client = openClient(settings.databaseUrl, poolSize);
  const close = () => client.end({ timeout: 5 });
  const goingOn: Promise<unknown>[] = [];
  const composed = compose(settings, {
    stores: storesOn(drizzle(client, { casing: "snake_case" }), close),
    fetch: fetchWithoutRedirects,
    clock: Date.now,
    wait,
    record: log,
    addressOf: (request) => request.req.header("CF-Connecting-IP") ?? "unknown",
    afterAnswer(work) {
      goingOn.push(work.catch(logFailure));
    },
  });
  return {
    ...composed,
    async close() {
      await Promise.all(goingOn);
      await close();
    },
  };
}

/** Workers know no `redirect: "error"`: a redirect comes back as it is, and is refused here. */
const fetchWithoutRedirects: Fetch = async (url, init) => {
  const response = await fetch(url, { ...init, redirect: "manual" });
  if (response.status >= 300 && response.status < 400) throw new TypeError("A redirect is not followed.");
  return response;
};

function log(entry: object): void {
  console.log(logLine(entry));
}

function logFailure(error: unknown): void {
  log(failureEntry(error));
}
