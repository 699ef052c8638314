import type { Clock } from "./clock.ts";

/** When to ask again by oneself: not while the last answer is hardly old, and ever more rarely after failures. */
export interface Pace {
  isDue(): boolean;
  answered(): void;
  /** `retryAfter`: seconds, as the other side wishes. */
  failed(retryAfter?: number): void;
  /** As at first: due at once. */
  reset(): void;
}

const freshFor = 30_000;
const shortestPause = 60_000;
const longestPause = 15 * 60_000;

export function createPace({ now }: Pick<Clock, "now">): Pace {
  let failures = 0;
  let quietUntil = 0;
  return {
    isDue: () => now() >= quietUntil,
    answered: () => {
      failures = 0;
      quietUntil = now() + freshFor;
    },
    failed: (retryAfter = 0) => {
      const pause = Math.min(shortestPause * 2 ** failures, longestPause);
      failures += 1;
      quietUntil = now() + Math.max(pause, retryAfter * 1000);
    },
    reset: () => {
      failures = 0;
      quietUntil = 0;
    },
  };
}
