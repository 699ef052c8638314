/**
 * Requests in one minute, counted in the database, so that all processes of a deployment share the count. They keep a
 * runaway client from wearing the function out; nobody who works with an editor comes near them.
 */
export const mostRequestsPerMinute = {
  session: 1_200,
  /** Whole offices share one address. */
  address: 12_000,
  /** Of sign-ins: each costs a row and a call to the issuer. */
  signInsOfAddress: 600,
} as const;

export type RateKind = keyof typeof mostRequestsPerMinute;

const minuteMs = 60_000;

/** The minute that a time lies in, counted from the epoch. */
export function minuteOf(now: number): number {
  return (now - (now % minuteMs)) / minuteMs;
}

/** Whole seconds until the count begins anew. */
export function secondsToNextMinute(now: number): number {
  const milliseconds = minuteMs - (now % minuteMs);
  return (milliseconds - (milliseconds % 1_000)) / 1_000 + 1;
}
