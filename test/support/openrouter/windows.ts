/** How often a limit starts anew. */
export const resetIntervals = ["daily", "weekly", "monthly"] as const;
export type ResetInterval = (typeof resetIntervals)[number];

/** Start of the window that `now` is in: 00:00 UTC of the day, of the week's Monday, or of the month's first. */
export function windowStart(interval: ResetInterval, now: Date): Date {
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  const day = now.getUTCDate();
  switch (interval) {
    case "daily":
      return new Date(Date.UTC(year, month, day));
    case "weekly": {
      const daysSinceMonday = (now.getUTCDay() + 6) % 7;
      return new Date(Date.UTC(year, month, day - daysSinceMonday));
    }
    case "monthly":
      return new Date(Date.UTC(year, month, 1));
  }
}
