import type { AdminKey } from "../contract/admin.ts";

const columns: readonly (readonly [name: string, value: (key: AdminKey) => string | number | null])[] = [
  ["owner", (key) => key.owner.label],
  ["name", (key) => key.name],
  ["state", (key) => key.state],
  ["limit_usd", (key) => key.limitUsd],
  ["reset", (key) => key.reset],
  ["spent_in_window_usd", (key) => key.spend?.windowUsd ?? null],
  ["remaining_usd", (key) => key.spend?.remainingUsd ?? null],
  ["spent_today_usd", (key) => key.spend?.dayUsd ?? null],
  ["spent_this_week_usd", (key) => key.spend?.weekUsd ?? null],
  ["spent_this_month_usd", (key) => key.spend?.monthUsd ?? null],
  ["created_at", (key) => key.createdAt],
  ["expires_at", (key) => key.expiresAt],
  ["label", (key) => key.label],
  ["id", (key) => key.id],
];

export const csvHeader = line(columns.map(([name]) => name));

export function csvLine(key: AdminKey): string {
  return line(columns.map(([, value]) => cell(value(key))));
}

/** RFC 4180. Every text is quoted. */
function line(cells: readonly string[]): string {
  return `${cells.join(",")}\r\n`;
}

/**
 * A text that a spreadsheet would take for a formula gets an apostrophe in front: names are people's own, and a file of
 * them is opened by an administrator.
 */
function cell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const isFormula = /^\s*[=+\-@\t\r]/.test(value);
  return `"${(isFormula ? `'${value}` : value).replaceAll('"', '""')}"`;
}
