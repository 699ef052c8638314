/**
 * When OpenRouter next counts a window from zero: midnight UTC, weeks from Monday, months from the first (its API
 * reference, `limit_reset`). Milliseconds since the epoch.
 */
export function nextReset(reset: "daily" | "weekly" | "monthly", now: number): number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (reset) {
    case "daily":
      return Date.UTC(year, month, day + 1);
    case "weekly":
      return Date.UTC(year, month, day + 7 - ((date.getUTCDay() + 6) % 7));
    case "monthly":
      return Date.UTC(year, month + 1, 1);
  }
}
