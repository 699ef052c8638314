import { setTimeout as wait } from "node:timers/promises";

import { CancelledError } from "./errors.ts";

export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Throws CancelledError as soon as the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds, signal) => {
    await wait(milliseconds, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
      if (signal?.aborted) throw new CancelledError();
      throw cause;
    });
  },
};
