/** The stand-in's time. Everything dated or windowed follows it; latency does not. */
export interface SettableClock {
  readonly now: () => Date;
  /** A date holds the clock still there; a function replaces it. Earlier advances are forgotten. */
  readonly set: (clock: Date | (() => Date)) => void;
  readonly advance: (ms: number) => void;
}

export function createClock(source: () => Date): SettableClock {
  let read = source;
  let aheadMs = 0;
  return {
    now: () => new Date(read().getTime() + aheadMs),
    set(clock) {
      read = clock instanceof Date ? () => clock : clock;
      aheadMs = 0;
    },
    advance(ms) {
      aheadMs += ms;
    },
  };
}
