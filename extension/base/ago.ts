import { language, t } from "./words.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `just now`, `5 minutes ago`, `3 hours ago`, `12 days ago`. */
export function ago(milliseconds: number): string {
  const relative = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  if (milliseconds < minute) return t("just now");
  if (milliseconds < 2 * hour) return relative.format(-Math.round(milliseconds / minute), "minute");
  if (milliseconds < 2 * day) return relative.format(-Math.round(milliseconds / hour), "hour");
  return relative.format(-Math.round(milliseconds / day), "day");
}
