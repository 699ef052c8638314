import { randomBytes, randomUUID } from "node:crypto";

import { and, inArray } from "drizzle-orm";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import type { Database } from "../../functions/adapters/postgres/database.ts";
import { keys, raises } from "../../functions/adapters/postgres/schema.ts";
import type { ComposedFunction } from "../../functions/compose.ts";
import { compose } from "../../functions/compose.ts";
import type { Settled } from "../../functions/services/settle-due.ts";
import { sha256 } from "../../functions/services/secrets.ts";
import { readSettings } from "../../functions/settings.ts";
import type { BothSides } from "./books.ts";
import type { OpenRouterStandIn } from "./openrouter/stand-in.ts";
import { startOpenRouter } from "./openrouter/stand-in.ts";

/** What outlives a process: the stores, OpenRouter and the time, which stands still unless told otherwise. */
export interface World {
  readonly stores: Stores;
  readonly database: Database;
  readonly openRouter: OpenRouterStandIn;
  readonly environment: Readonly<Record<string, string>>;
  readonly now: () => number;
  /** Moves the clocks of the function and of OpenRouter alike. */
  readonly advance: (milliseconds: number) => void;
  /** Moves the function's clock alone. */
  readonly skew: (milliseconds: number) => void;
  /** A new person, signed in. */
  readonly enter: (email: string) => Promise<Person>;
  /** Takes somebody's keys out of the world. */
  readonly forget: (books: BothSides) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly token: string;
}

const noon = Date.UTC(2026, 10, 10, 12);
const year = 365 * 24 * 3_600_000;

export async function createWorld(
  opened: { readonly stores: Stores; readonly database: Database },
  environment: Readonly<Record<string, string>> = {},
  time: () => number = () => noon,
): Promise<World> {
  let aheadMs = 0;
  let skewed = 0;
  const now = () => time() + aheadMs;
  const openRouter = await startOpenRouter({ clock: () => new Date(now()) });
  const { stores, database } = opened;
  return {
    stores,
    database,
    openRouter,
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
    async forget({ rows, upstream }) {
      for (const { hash } of upstream) {
        const headers = { Authorization: `Bearer ${openRouter.managementKey}` };
        await fetch(`${openRouter.apiUrl}/keys/${hash}`, { method: "DELETE", headers });
      }
      const ids = rows.map((row) => row.id);
      if (ids.length === 0) return;
      await database
        .update(keys)
        .set({ phase: "deleted", fitAt: null })
        .where(and(inArray(keys.id, ids), inArray(keys.phase, ["reserved", "live", "retiring"])));
      await database.update(raises).set({ state: "ended" }).where(inArray(raises.keyId, ids));
    },
    async stop() {
      await openRouter.stop();
      await stores.close();
    },
  };
}

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

  const { app, settleDue } = composeOver(world, step);
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
    async settleDue() {
      try {
        return await settleDue(AbortSignal.timeout(10_000));
      } catch (error) {
        if (isDead) return undefined;
        throw error;
      }
    },
  };
}

type Step = <T>(name: string, work: () => Promise<T>) => Promise<T>;

function composeOver(world: World, step: Step): ComposedFunction {
  const { stores, openRouter } = world;
  const settings = readSettings({
    OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
    OPENROUTER_BASE_URL: openRouter.apiUrl,
    OIDC_ISSUER: "https://issuer.example",
    OIDC_CLIENT_ID: "unused",
    OIDC_CLIENT_SECRET: "unused",
    ALLOWED_DOMAINS: "example.com",
    ...world.environment,
  });
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
    // Pauses between tries take no time here.
    wait: (_, signal) => {
      signal.throwIfAborted();
      return Promise.resolve();
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
