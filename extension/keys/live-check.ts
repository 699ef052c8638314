import * as z from "zod/mini";

import type { Fetch } from "../account/function-client.ts";
import type { Clock } from "../base/clock.ts";
import { CancelledError, describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

/** A sentence where the key could not be seen working. */
export type LiveCheck = { readonly kind: "works" } | { readonly kind: "doubtful"; readonly message: string };

interface LiveCheckDeps {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly log: Log;
}

/** `GET /key` describes the key it was asked with. */
const KeyInformation = z.object({ data: z.object({}) });

/** Asks OpenRouter itself whether it takes the key. `base` is for example `https://openrouter.ai/api/v1`. */
export async function checkLive(
  { fetch, clock, log }: LiveCheckDeps,
  base: string,
  secret: string,
  signal: AbortSignal,
): Promise<LiveCheck> {
  const doubtful = (message: string): LiveCheck => ({ kind: "doubtful", message });
  const { host } = new URL(base);
  // A key made a moment ago may not be known everywhere at OpenRouter yet.
  for (const pause of [0, 1000, 3000]) {
    if (pause > 0) await clock.sleep(pause, signal);
    try {
      const response = await fetch(`${base}/key`, {
        headers: { Accept: "application/json", Authorization: `Bearer ${secret}` },
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      });
      log.debug(`GET /key at ${host}: ${response.status}`);
      const text = await response.text();
      if (response.status === 401 || response.status === 403) continue;
      if (!response.ok) return doubtful(`${host} could not check the key just now (HTTP ${response.status}).`);
      if (isKeyInformation(text)) return { kind: "works" };
      return doubtful(`${host} answered, but not as OpenRouter does: check openrouterKeys.openRouterUrl.`);
    } catch (error) {
      if (signal.aborted) throw new CancelledError();
      log.warn(`GET /key at ${host}: no answer (${describe(error)})`);
      return doubtful(`${host} could not be reached to check the key. Your tools need to reach it, too.`);
    }
  }
  return doubtful(
    `${host} does not accept the key yet. Try it in a minute; if it goes on, delete the key and make another.`,
  );
}

function isKeyInformation(text: string): boolean {
  try {
    return KeyInformation.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}
