const shortest = 2_000;
const longest = 3_600_000;

/**
 * How long to wait before the next try, in milliseconds: twice as long each time, up to an hour, never less than the
 * other side has asked for. `jitter` from 0 to 1 spreads those that failed together.
 */
export function pauseBefore(tries: number, retryAfterSeconds: number | undefined, jitter: number): number {
  const doubled = shortest * 2 ** (tries > 12 ? 12 : tries);
  const pause = (doubled > longest ? longest : doubled) * (0.5 + jitter / 2);
  const asked = (retryAfterSeconds ?? 0) * 1_000;
  return asked > pause ? asked + jitter * 1_000 : pause;
}
