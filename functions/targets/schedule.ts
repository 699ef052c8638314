import { Cron } from "croner";

import { SettingsError } from "../settings.ts";

export interface ScheduleOptions {
  /** NIGHTLY_SCHEDULE: five fields, in UTC, so that no change to summer time skips or doubles a run. */
  readonly expression: string;
  /** Never rejects. The next run is looked for only when it has ended, so that runs never overlap here. */
  readonly run: () => Promise<void>;
  readonly clock: () => number;
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** Longer than this is waited for in parts: a clock that is set meanwhile, or a laptop asleep, then costs an hour at most. */
const longestWaitMs = 3_600_000;

/** Node's own schedule. Throws SettingsError at once; what it returns starts it, until the signal aborts. */
export function createSchedule(options: ScheduleOptions): (signal: AbortSignal) => Promise<void> {
  const cron = parse(options.expression);
  return async (signal) => {
    while (!signal.aborted) {
      const next = cron.nextRun(new Date(options.clock()))?.getTime();
      if (next === undefined) return;
      while (!signal.aborted && options.clock() < next) {
        await options.wait(Math.min(next - options.clock(), longestWaitMs), signal).catch(() => undefined);
      }
      if (!signal.aborted) await options.run();
    }
  };
}

function parse(expression: string): Cron {
  try {
    const cron = new Cron(expression, { timezone: "UTC", paused: true, mode: "5-part" });
    if (cron.nextRun() !== null) return cron;
  } catch {
    // The text of the error repeats the value.
  }
  throw new SettingsError([
    'NIGHTLY_SCHEDULE must be a cron expression of five fields, in UTC, such as "15 2 * * *" for 2:15 each night.',
  ]);
}
