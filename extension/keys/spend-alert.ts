import type { Memory } from "./spend-history.ts";
import type { LiveReading } from "./live-spend.ts";
import { errorShare, warningShare } from "./key-row.ts";

const dayLength = 24 * 60 * 60_000;

/**
 * The threshold that a key has newly passed, in per cent: once for each threshold and window between resets, also over
 * restarts and in all windows of the editor. What is answered counts as said.
 */
export async function takeAlert(
  memory: Memory,
  keyId: string,
  { limitUsd, windowUsd, reset, at }: LiveReading,
): Promise<number | undefined> {
  if (limitUsd === null || limitUsd <= 0) return undefined;
  const passed = [errorShare, warningShare].find((share) => windowUsd >= limitUsd * share);
  if (passed === undefined) return undefined;
  const percent = Math.round(passed * 100);
  const entry = `spend-alert ${keyId}`;
  // A raised limit is passed anew.
  const window = `${windowStart(reset, at)}/${limitUsd}`;
  const kept = memory.get(entry);
  const said = typeof kept === "string" ? kept.split(" ") : [];
  if (said[0] === window && Number(said[1]) >= percent) return undefined;
  await memory.update(entry, `${window} ${percent}`);
  return percent;
}

/** When the window began, as a day in UTC; OpenRouter's weeks begin on Mondays. */
function windowStart(reset: LiveReading["reset"], at: number): string {
  if (reset === undefined) return "ever";
  const day = new Date(at).toISOString().slice(0, 10);
  if (reset === "daily") return day;
  if (reset === "monthly") return day.slice(0, 7);
  const sinceMonday = (new Date(at).getUTCDay() + 6) % 7;
  return new Date(at - sinceMonday * dayLength).toISOString().slice(0, 10);
}
