/**
 * What the tools' key has spent, from OpenRouter itself: it works while the company's function is away and costs it
 * nothing. The key goes to the address that the person's own setting names and nowhere else, and no redirect is followed.
 */
import * as z from "zod/mini";

import type { AddressReading } from "../account/function-address.ts";
import type { Fetch } from "../account/function-client.ts";
import type { Clock } from "../base/clock.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createPace } from "../base/pace.ts";
import type { ServedKey, ToolsKeyChoice } from "./tools-key.ts";

/** US dollars. */
export interface LiveReading {
  /** Null where OpenRouter says that there is none. */
  readonly limitUsd: number | null;
  readonly reset: "daily" | "weekly" | "monthly" | undefined;
  /** Since the last reset. */
  readonly windowUsd: number;
  readonly dayUsd: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface OfKey {
  readonly keyId: string;
  /** The id of the account whose it is. */
  readonly owner: string;
  /** The last reading of this very key. */
  readonly reading: LiveReading | undefined;
  /** Why there is none since then. */
  readonly fault: string | undefined;
}

/** Replaced whole. `none`: tools get no key here. */
export type LiveSpend = { readonly kind: "none" } | ({ readonly kind: "key" } & OfKey);

export interface LiveSpendWatch {
  readonly current: LiveSpend;
  readonly onDidChange: Event<LiveSpend>;
  /** Asks now; one request at a time. Never rejects. */
  refresh(): Promise<void>;
  /** The same, but not when the last answer is hardly old, and rarely after failures; another key is asked about at once. */
  poll(): Promise<void>;
  dispose(): void;
}

interface LiveSpendDeps {
  readonly served: ToolsKeyChoice["served"];
  readonly openRouterUrl: () => AddressReading;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Log;
}

const longestAnswer = 10_000;

const KeyAnswer = z.object({
  data: z.object({
    limit: z.nullish(z.number()),
    limit_remaining: z.nullish(z.number()),
    limit_reset: z.nullish(z.string()),
    usage: z.number(),
    usage_daily: z.number(),
    usage_weekly: z.number(),
    usage_monthly: z.number(),
  }),
});

export function createLiveSpend({ served, openRouterUrl, fetch, clock, log }: LiveSpendDeps): LiveSpendWatch {
  const changes = createEmitter<LiveSpend>();
  const pace = createPace(clock);
  let current: LiveSpend = { kind: "none" };
  let running: Promise<void> | undefined;
  let again = false;

  function become(next: LiveSpend): void {
    if (next.kind === "none" && current.kind === "none") return;
    current = next;
    changes.fire(next);
  }

  async function ask(onlyWhenDue: boolean): Promise<void> {
    const key = await served();
    if (key === undefined) {
      become({ kind: "none" });
      return;
    }
    const previous = current.kind === "key" && current.keyId === key.keyId ? current.reading : undefined;
    const isOther = current.kind === "none" || current.keyId !== key.keyId;
    if (onlyWhenDue && !isOther && !pace.isDue()) return;
    const { keyId, accountId } = key;
    const of = { kind: "key", keyId, owner: accountId } as const;
    const answer = await readSpend(key);
    // A key that was chosen meanwhile must not be shown with this one's money.
    if ((await served())?.keyId !== keyId) {
      again = true;
      return;
    }
    if (typeof answer === "string") {
      pace.failed();
      become({ ...of, reading: previous, fault: answer });
    } else {
      pace.answered();
      become({ ...of, reading: answer, fault: undefined });
    }
  }

  /** The reading, or a sentence. */
  async function readSpend({ secret }: ServedKey): Promise<LiveReading | string> {
    const url = openRouterUrl();
    if (url.kind !== "address") return "openrouterKeys.openRouterUrl has to be set to ask OpenRouter about the key.";
    const { host } = new URL(url.address.base);
    try {
      const response = await fetch(`${url.address.base}/key`, {
        headers: { Accept: "application/json", Authorization: `Bearer ${secret}` },
        redirect: "error",
        signal: AbortSignal.timeout(10_000),
      });
      const text = await response.text();
      log.debug(`GET /key at ${host}: ${response.status}`);
      if (response.status === 401 || response.status === 403) return `${host} does not accept the key.`;
      if (!response.ok) return `${host} could not say what the key has spent (HTTP ${response.status}).`;
      return parseReading(text, clock.now()) ?? `${host} answered, but not as OpenRouter does.`;
    } catch (error) {
      // Its name only: a message may quote what was sent.
      log.warn(`GET /key at ${host}: no answer (${error instanceof Error ? error.name : "unknown"})`);
      return `${host} could not be reached.`;
    }
  }

  function run(onlyWhenDue: boolean): Promise<void> {
    if (running !== undefined) {
      again ||= !onlyWhenDue;
      return running;
    }
    running = (async () => {
      try {
        let isFirst = true;
        do {
          again = false;
          await ask(onlyWhenDue && isFirst);
          isFirst = false;
        } while (again);
      } catch (error) {
        log.error(`What the key has spent could not be read: ${describe(error)}`);
      } finally {
        running = undefined;
      }
    })();
    return running;
  }

  return {
    get current() {
      return current;
    },
    onDidChange: changes.event,
    refresh: () => run(false),
    poll: () => run(true),
    dispose: () => changes.dispose(),
  };
}

function parseReading(text: string, at: number): LiveReading | undefined {
  if (text.length > longestAnswer) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = KeyAnswer.safeParse(json);
  if (!parsed.success) return undefined;
  const { limit = null, limit_remaining: left = null, limit_reset, ...usage } = parsed.data.data;
  const reset = (["daily", "weekly", "monthly"] as const).find((window) => window === limit_reset);
  const counted = reset === undefined ? usage.usage : usage[`usage_${reset}`];
  return {
    limitUsd: limit,
    reset,
    // What OpenRouter itself goes by when it refuses a request.
    windowUsd: limit !== null && left !== null ? limit - left : counted,
    dayUsd: usage.usage_daily,
    at,
  };
}
