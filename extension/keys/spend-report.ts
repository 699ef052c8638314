import { ago } from "../base/ago.ts";
import { isLive } from "./key-row.ts";
import { type KeyRingState, previousOf } from "./key-ring.ts";
import type { LiveSpend } from "./live-spend.ts";
import { type DayOfSpend, daysKept } from "./spend-history.ts";
import { dayOf, perWindow, usd } from "./wording.ts";

/** What the spend page shows. No secret comes near it: it goes to a webview as it is. */
export interface SpendReport {
  readonly keys: readonly KeyReport[];
  /** The columns of `days`: names of keys, live or not. */
  readonly names: readonly string[];
  /** The oldest first; null where nobody looked. */
  readonly days: readonly { readonly day: string; readonly usd: readonly (number | null)[] }[];
  /** Sentences: how old the figures are and what they do not say. */
  readonly notes: readonly string[];
}

export interface KeyReport {
  readonly name: string;
  readonly isToolsKey: boolean;
  /** Between 0 and 1; undefined when unknown. */
  readonly share: number | undefined;
  readonly amount: string;
  readonly windows: readonly string[];
}

interface SpendReportFacts {
  readonly state: KeyRingState;
  readonly live: LiveSpend;
  readonly history: { readonly days: readonly DayOfSpend[]; readonly names: ReadonlyMap<string, string> };
  readonly now: number;
}

export function spendReport({ state, live, history, now }: SpendReportFacts): SpendReport {
  const ring = previousOf(state);
  const toolsKeyId = live.kind === "key" ? live.keyId : ring?.toolsKeyId;
  const reading = live.kind === "key" ? live.reading : undefined;
  const keys = (ring?.keys ?? []).filter(isLive).map(({ id, name, limitUsd, reset, spend }): KeyReport => {
    const own = id === toolsKeyId && reading !== undefined ? reading : undefined;
    const spent = own?.windowUsd ?? spend?.windowUsd;
    const limit = own?.limitUsd ?? limitUsd;
    return {
      name,
      isToolsKey: id === toolsKeyId,
      share: spent === undefined || limit <= 0 ? undefined : Math.min(1, Math.max(0, spent / limit)),
      amount: `${spent === undefined ? "spend unknown, limit" : `${usd(spent)} of`} ${usd(limit)} ${perWindow(reset)}`,
      windows:
        spend === null
          ? []
          : [
              `today ${usd(own?.dayUsd ?? spend.dayUsd)}`,
              `this week ${usd(spend.weekUsd)}`,
              `this month ${usd(spend.monthUsd)}`,
              ...(spend.resetsAt ? [`resets ${dayOf(spend.resetsAt)}`] : []),
            ],
    };
  });
  const ids = [...new Set(history.days.flatMap((day) => [...day.usd.keys()]))];
  const lastSeen = Math.max(reading?.at ?? 0, ring === undefined ? 0 : Date.parse(ring.asOf));
  return {
    keys,
    names: ids.map((id) => history.names.get(id) || "A key of your coding tools"),
    days: history.days.map(({ day, usd }) => ({ day, usd: ids.map((id) => usd.get(id) ?? null) })),
    notes: [
      ...(lastSeen === 0
        ? []
        : [`Last seen ${ago(now - lastSeen)}. OpenRouter counts a request a little after it has ended.`]),
      ...(live.kind === "key" && live.fault !== undefined ? [live.fault] : []),
      ...(state.kind === "failed" ? [state.message] : []),
      `A day is counted in UTC, and is what this editor saw last on that day, in the last ${daysKept} days. ` +
        "“Not seen” is a day on which it did not look, which may have cost something.",
      "OpenRouter tells a key what it has spent, but not on which models: administrators see that at OpenRouter.",
    ],
  };
}

/** Day, key and amount of what was seen. Safe to open in a spreadsheet. */
export function spendCsv({ names, days }: SpendReport): string {
  const rows = days.flatMap(({ day, usd }) =>
    names.flatMap((name, index) => {
      const amount = usd[index];
      return amount === null || amount === undefined ? [] : [[day, cell(name), String(amount)].join(",")];
    }),
  );
  return `${["day_utc,key,spend_usd", ...rows].join("\r\n")}\r\n`;
}

/** A spreadsheet runs what begins like a formula; after an apostrophe it is text. */
function cell(text: string): string {
  const inert = /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${inert.replaceAll('"', '""')}"`;
}
