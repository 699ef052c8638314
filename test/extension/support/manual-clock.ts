import type { Clock } from "../../../extension/base/clock.ts";
import { CancelledError } from "../../../extension/base/errors.ts";

export interface ManualClock extends Clock {
  time: number;
  readonly slept: number[];
  /** Called before each sleep passes; may abort the signal that the sleeper waits with. */
  beforeSleep: (milliseconds: number) => void;
}

/** Sleeping takes no time: the clock is put forward instead. */
export function createManualClock(start = Date.parse("2026-11-24T10:00:00Z")): ManualClock {
  const clock: ManualClock = {
    time: start,
    slept: [],
    beforeSleep: () => {},
    now: () => clock.time,
    sleep: async (milliseconds, signal) => {
      clock.slept.push(milliseconds);
      clock.beforeSleep(milliseconds);
      if (signal?.aborted) throw new CancelledError();
      clock.time += milliseconds;
    },
  };
  return clock;
}
