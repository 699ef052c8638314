import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";

import { and, eq, inArray } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import connect from "postgres";

import { openStores } from "../../functions/adapters/postgres/connect.ts";
import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import type { Database } from "../../functions/adapters/postgres/database.ts";
import { keys, owners, raises, sessions } from "../../functions/adapters/postgres/schema.ts";
import type { ComposedFunction } from "../../functions/compose.ts";
import { compose } from "../../functions/compose.ts";
import type { NightlySummary } from "../../functions/services/run-nightly.ts";
import { extendEveryMs } from "../../functions/services/run-nightly.ts";
import type { Settled } from "../../functions/services/settle-due.ts";
import { sha256 } from "../../functions/services/secrets.ts";
import { readSettings } from "../../functions/settings.ts";
import type { BothSides } from "./books.ts";
import { existingPhases } from "./books.ts";
import type { GoogleStandIn } from "./directory/google.ts";
import { googleAdmin, startGoogle } from "./directory/google.ts";
import type { OpenRouterStandIn } from "./openrouter/stand-in.ts";
import { startOpenRouter } from "./openrouter/stand-in.ts";

/** What outlives a process: the stores, its neighbours and the time, which stands still unless told otherwise. */
export interface World {
  readonly stores: Stores;
  readonly database: Database;
  readonly openRouter: OpenRouterStandIn;
  /** The directory, where everybody who enters works. Only the nightly run asks it: other verbs take no step for it. */
  readonly google: GoogleStandIn;
  readonly environment: Readonly<Record<string, string>>;
  readonly now: () => number;
  /** Moves the clocks of the function and of OpenRouter alike. */
  readonly advance: (milliseconds: number) => void;
  /** Moves the function's clock alone. */
  readonly skew: (milliseconds: number) => void;
  /** A new person, signed in. */
  readonly enter: (email: string) => Promise<Person>;
  /** Takes somebody and their keys out of the world. */
  readonly forget: (ownerId: string, books: BothSides) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly token: string;
}

const noon = Date.UTC(2026, 10, 10, 12);
const year = 365 * 24 * 3_600_000;

/** A world around a PostgreSQL database that processes of their own work on too, in the time that is. */
export async function createWorldOn(
  url: string,
  connections: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<World> {
  const client = connect(url, { max: connections, onnotice: () => undefined });
  const database = drizzle(client, { casing: "snake_case" });
  const stores = await openStores(database, () => client.end({ timeout: 5 }));
  return createWorld({ stores, database }, environment, Date.now);
}

export async function createWorld(
  opened: { readonly stores: Stores; readonly database: Database },
  environment: Readonly<Record<string, string>> = {},
  time: () => number = () => noon,
): Promise<World> {
  let aheadMs = 0;
  let skewed = 0;
  const now = () => time() + aheadMs;
  const openRouter = await startOpenRouter({ clock: () => new Date(now()) });
  const google = await startGoogle({ clock: () => new Date(now()) });
  google.users.set(canary, { id: canary, primaryEmail: canary });
  const { stores, database } = opened;
  return {
    stores,
    database,
    openRouter,
    google,
    environment,
    now: () => now() + skewed,
    advance: (milliseconds) => (aheadMs += milliseconds),
    skew: (milliseconds) => (skewed = milliseconds),
    async enter(email) {
      const admitted = await stores.accounts.admit(
        { issuer: "https://issuer.example", subject: email, email, groups: [] },
        randomUUID(),
        now(),
      );
      if (admitted.kind === "conflict") throw new Error(`${email} belongs to somebody else.`);
      const { owner } = admitted;
      google.users.set(email, { id: email, primaryEmail: email });
      const token = `ors_${randomBytes(32).toString("base64url")}`;
      await stores.accounts.saveSession({
        id: randomUUID(),
        tokenHash: await sha256(token),
        ownerId: owner.id,
        // Stays a fresh sign-in, whatever becomes of the clocks.
        authTime: now() + year,
        now: now(),
        idleUntil: now() + year,
        expiresAt: now() + year,
        client: "test",
        most: 10,
      });
      return { id: owner.id, email, token };
    },
    async forget(ownerId, { rows, upstream }) {
      await database.delete(sessions).where(eq(sessions.ownerId, ownerId));
      // The brake counts whose access was ended today.
      await database.update(owners).set({ blockedAt: null }).where(eq(owners.id, ownerId));
      for (const { hash } of upstream) {
        const headers = { Authorization: `Bearer ${openRouter.managementKey}` };
        await fetch(`${openRouter.apiUrl}/keys/${hash}`, { method: "DELETE", headers });
      }
      const ids = rows.map((row) => row.id);
      if (ids.length === 0) return;
      await database
        .update(keys)
        .set({ phase: "deleted", fitAt: null })
        .where(and(inArray(keys.id, ids), inArray(keys.phase, ["reserved", ...existingPhases])));
      await database.update(raises).set({ state: "ended" }).where(inArray(raises.keyId, ids));
    },
    async stop() {
      await openRouter.stop();
      await google.stop();
      await stores.close();
    },
  };
}

/** Somebody who always works here. */
const canary = "canary@example.com";

/** Where a process dies: right before a step is done, or right after. */
export type Side = "before" | "after";

export interface MortalAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfter: number;
}

/** The function composed anew over the world, as a process that has just started. */
export interface Mortal {
  /** Undefined when the process died before it answered. */
  readonly call: (
    person: Person,
    method: string,
    path: string,
    options?: CallOptions,
  ) => Promise<MortalAnswer | undefined>;
  readonly settleDue: () => Promise<Settled | undefined>;
  readonly runNightly: () => Promise<NightlySummary | undefined>;
  /** The steps done or tried so far, by name. */
  readonly steps: readonly string[];
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface MortalOptions {
  /** Asked at each step (counted from 0) whether the process dies there. */
  readonly crash?: (step: number, name: string) => Side | undefined;
  /** Called after each step that was done, before the process goes on. */
  readonly onStep?: (step: number) => Promise<void>;
}

/** A step is a call of a store or a request to OpenRouter. Once dead, no further step is done. */
export function startMortal(world: World, options: MortalOptions = {}): Mortal {
  const steps: string[] = [];
  let isDead = false;

  async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (isDead) throw new Error("This process is dead.");
    const number = steps.length;
    steps.push(name);
    const death = options.crash?.(number, name);
    if (death === "before") isDead = true;
    if (isDead) throw new Error("This process died before the step.");
    const done = await work().finally(() => options.onStep?.(number));
    if (death === "after") isDead = true;
    // Also a step that was under way when another one was the last.
    if (isDead) throw new Error("This process died after the step.");
    return done;
  }

  const { app, settleDue } = composeOver(world, world.environment, step);
  return {
    steps,
    async call(person, method, path, { body, headers } = {}) {
      const request = new Request(`http://127.0.0.1${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${person.token}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const response = await app.fetch(request);
      if (isDead) return undefined;
      const text = await response.text();
      return {
        status: response.status,
        body: text === "" ? undefined : JSON.parse(text),
        retryAfter: Number(response.headers.get("Retry-After") ?? 0),
      };
    },
    settleDue: () => byTheClock(() => settleDue(AbortSignal.timeout(10_000))),
    runNightly: () =>
      byTheClock(() => {
        const { google } = world;
        const { runNightly } = composeOver(
          world,
          {
            ...world.environment,
            GOOGLE_SA_KEY_JSON: JSON.stringify(google.serviceAccountKey),
            GOOGLE_DIRECTORY_SUBJECT: googleAdmin,
            GOOGLE_DIRECTORY_URL: google.url,
            DIRECTORY_CANARY: canary,
            NIGHTLY_MODE: "enforce",
            NIGHTLY_MIN_INTERVAL_SECONDS: "0",
          },
          step,
        );
        return runNightly(AbortSignal.timeout(20_000));
      }),
  };

  async function byTheClock<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const done = await work();
      return isDead ? undefined : done;
    } catch (error) {
      if (isDead) return undefined;
      throw error;
    }
  }
}

/** Of a function in this world, whose people are signed in already. */
export function settingsIn({ openRouter }: Pick<World, "openRouter">) {
  return {
    OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
    OPENROUTER_BASE_URL: openRouter.apiUrl,
    OIDC_ISSUER: "https://issuer.example",
    OIDC_CLIENT_ID: "unused",
    OIDC_CLIENT_SECRET: "unused",
    ALLOWED_DOMAINS: "example.com",
  };
}

type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

function composeOver(world: World, environment: Readonly<Record<string, string>>, step: Step): ComposedFunction {
  const { stores } = world;
  const settings = readSettings({ ...settingsIn(world), ...environment });
  return compose(settings, {
    stores: {
      keys: stepwise(stores.keys, step),
      accounts: stepwise(stores.accounts, step),
      identities: stepwise(stores.identities, step),
      documents: stepwise(stores.documents, step),
      raises: stepwise(stores.raises, step),
      audit: stepwise(stores.audit, step),
      rates: stepwise(stores.rates, step),
      leases: stepwise(stores.leases, step),
      directoryStore: stepwise(stores.directoryStore, step),
      nightly: stepwise(stores.nightly, step),
      revocations: stepwise(stores.revocations, step),
      drift: stepwise(stores.drift, step),
      scim: stepwise(stores.scim, step),
      pingDatabase: stores.pingDatabase,
      close: stores.close,
    },
    fetch: (url, init) =>
      step(`${init.method} ${new URL(url).pathname.replace(/[0-9a-f]{64}/, "…")}`, async () => {
        const response = await fetch(url, init);
        const text = await response.text();
        return { status: response.status, headers: response.headers, text: () => Promise.resolve(text) };
      }),
    clock: world.now,
    // Pauses between tries take no time here. The one between two looks at a run's lease is as long as the run: a
    // look is a step, and one that came at any time would make the steps of two processes differ.
    wait: async (milliseconds, signal) => {
      if (milliseconds === extendEveryMs) await once(signal, "abort");
      signal.throwIfAborted();
    },
    record: () => undefined,
    addressOf: () => "test",
    afterAnswer: (work) => void work.catch(() => undefined),
  });
}

/** A store each of whose verbs is a step. */
function stepwise<Store extends object>(store: Store, step: Step): Store {
  const verbs = Object.entries(store).map(([name, verb]: [string, unknown]) => [
    name,
    typeof verb === "function" ? (...words: unknown[]) => step(name, async () => verb(...words)) : verb,
  ]);
  // Every verb of a store returns a promise, so the wrapped one has the same type.
  return Object.fromEntries(verbs) as Store;
}
