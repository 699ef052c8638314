import type { RateKind } from "../policy/rates.ts";
import { minuteOf, mostRequestsPerMinute, secondsToNextMinute } from "../policy/rates.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";

/** Whose requests are counted: a session by its hash, an address as the host sees it. */
export interface RateSubject {
  readonly kind: RateKind;
  readonly id: string;
}

/** Counts requests by the minute. */
export interface RateStore {
  /** Counts one more request of each subject and answers how many each has made in this minute. */
  count(subjects: readonly RateSubject[], minute: number): Promise<readonly number[]>;
  /** Forgets counts of earlier minutes. */
  forgetBefore(minute: number): Promise<void>;
}

/** Throws `rate_limited` when one of them has asked too often in this minute. */
export async function limitRate(deps: Pick<Deps, "rates" | "clock">, subjects: readonly RateSubject[]): Promise<void> {
  const now = deps.clock();
  const counts = await deps.rates.count(subjects, minuteOf(now));
  const isOver = subjects.some(({ kind }, index) => (counts[index] ?? 0) > mostRequestsPerMinute[kind]);
  if (!isOver) return;
  throw new ServiceError("rate_limited", "Too many requests in a short time. Try again in a minute.", {
    retryAfter: secondsToNextMinute(now),
  });
}
