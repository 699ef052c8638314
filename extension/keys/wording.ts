/** How money, days and the states of keys are shown everywhere in the extension. */
import type { Key } from "../../functions/contract/keys.ts";

const cents = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });

/** `$25`, `$3.20`, `under $0.01`. */
export function usd(amount: number): string {
  if (amount > 0 && amount < 0.005) return "under $0.01";
  return Number.isInteger(amount) ? dollars.format(amount) : cents.format(amount);
}

/** `1 Dec`, in UTC because OpenRouter resets at 00:00 UTC. */
export function dayOf(time: string): string {
  return day.format(new Date(time));
}

/** `1 Dec 2026`, in UTC. */
export function dayAndYearOf(time: string): string {
  return dayAndYear.format(new Date(time));
}

/** `10:42`, where the person is. */
export function clockTimeOf(time: string): string {
  return new Date(time).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** `a day`, `a week`, `a month`. */
export function perWindow(reset: "daily" | "weekly" | "monthly"): string {
  if (reset === "daily") return "a day";
  return reset === "weekly" ? "a week" : "a month";
}

/** One of the editor's icons and theme colours for each state of a key. */
export const stateIcons: Readonly<Record<Key["state"], readonly [icon: string, color: string]>> = {
  active: ["key", "charts.green"],
  retiring: ["history", "charts.yellow"],
  disabled: ["circle-slash", "disabledForeground"],
  revoked: ["error", "charts.red"],
  expired: ["clock", "disabledForeground"],
  gone: ["question", "disabledForeground"],
  unknown: ["question", "disabledForeground"],
};
