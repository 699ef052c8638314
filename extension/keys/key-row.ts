import type { Key } from "../../functions/contract/keys.ts";
import { ago } from "../base/ago.ts";
import { dayAndYearOf, dayOf, perWindow, stateIcons, usd } from "./wording.ts";

export interface KeyRow {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  /** A codicon's name and a theme colour's id. */
  readonly icon: string;
  readonly color: string;
  /** `key <state>`, then `tools` and `stored` where they hold; menus match on these words. */
  readonly contextValue: string;
  readonly accessibilityLabel: string;
}

export interface KeyRowFacts {
  /** The key helper gives this key to tools. */
  readonly isToolsKey: boolean;
  /** Its secret is in this editor's secret storage. */
  readonly isStored: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface KeyTooltipFacts extends KeyRowFacts {
  /** What the tools are called that were set up on this machine. */
  readonly toolLabels: readonly string[];
  /** When the spend was read, ISO 8601. */
  readonly spendAsOf: string;
}

/** From these shares of a limit on, an amount is shown as a warning or as an error. */
export const warningShare = 0.8;
export const errorShare = 0.95;

const dayLength = 24 * 60 * 60_000;

const stateSentences: Readonly<Record<Key["state"], string>> = {
  active: "Works.",
  retiring: "Replaced by another key; still works for a while.",
  disabled: "Disabled: OpenRouter refuses it until it is enabled.",
  revoked: "Revoked by the company.",
  expired: "Expired.",
  gone: "OpenRouter no longer has this key. Delete it to free its place in your plan.",
  unknown: "Its state is not known to this version of the extension. Update it.",
};

/** True while requests with the key can cost money. */
export function isUsable({ state }: Key): boolean {
  return state === "active" || state === "retiring";
}

/** True while the key takes a place in the plan. */
export function isLive(key: Key): boolean {
  return isUsable(key) || key.state === "disabled";
}

/** Everything the keys view says of one key. No secret comes near it. */
export function keyRow(key: Key, { isToolsKey, isStored, now }: KeyRowFacts): KeyRow {
  const untilExpiry = Date.parse(key.expiresAt) - now;
  const expiresSoon = isLive(key) && untilExpiry > 0 && untilExpiry < 7 * dayLength;
  const alarm = isUsable(key) ? alarmColor(key) : undefined;
  const state = key.state === "unknown" ? "unknown state" : key.state;
  const rest = [
    // When it starts again matters once little is left.
    ...(alarm !== undefined && key.spend?.resetsAt ? [`resets ${dayOf(key.spend.resetsAt)}`] : []),
    ...(expiresSoon ? [`expires ${dayOf(key.expiresAt)}`] : []),
    ...(isToolsKey ? ["used by tools"] : []),
  ];
  const [icon, color] = stateIcons[key.state];
  return {
    id: key.id,
    label: key.name,
    description: [...(key.state === "active" ? [] : [state]), ...(isLive(key) ? [withBar(key)] : []), ...rest].join(
      " · ",
    ),
    icon: alarm === undefined ? icon : "warning",
    color: alarm ?? color,
    contextValue: ["key", key.state, ...(isToolsKey ? ["tools"] : []), ...(isStored ? ["stored"] : [])].join(" "),
    // The bar would be read out block by block.
    accessibilityLabel: [`Key ${key.name}`, state, ...(isLive(key) ? [leftOfLimit(key)] : []), ...rest].join(", "),
  };
}

/** What there is to know beyond the row, a line each, the key's name first. Plain text. */
export function keyTooltip(key: Key, facts: KeyTooltipFacts): readonly string[] {
  const again = key.spend?.resetsAt ? `, starts again on ${dayOf(key.spend.resetsAt)} at 00:00 UTC` : "";
  return [
    key.name,
    stateSentences[key.state],
    `Limit: ${usd(key.limitUsd)} ${perWindow(key.reset)}${again}`,
    ...spendSentences(key, facts),
    `Made ${dayAndYearOf(key.createdAt)}, expires ${dayAndYearOf(key.expiresAt)}`,
    ...(facts.isToolsKey ? [usedBy(facts.toolLabels)] : []),
    ...(facts.isStored ? [] : ["Its secret is not stored in this editor."]),
  ];
}

function spendSentences({ spend }: Key, { spendAsOf, now }: KeyTooltipFacts): readonly string[] {
  if (spend === null) return ["Spend: OpenRouter could not be asked"];
  const { dayUsd, weekUsd, monthUsd } = spend;
  return [
    `Spend: today ${usd(dayUsd)}, this week ${usd(weekUsd)}, this month ${usd(monthUsd)}`,
    `Last seen ${ago(now - Date.parse(spendAsOf))}`,
  ];
}

function usedBy(labels: readonly string[]): string {
  if (labels.length === 0) return "Your coding tools get this key.";
  return `Used by ${new Intl.ListFormat("en", { type: "conjunction" }).format(labels)} on this machine.`;
}

function amountLeft({ spend, limitUsd }: Key): string {
  if (spend === null) return `limit ${usd(limitUsd)}, spend unknown`;
  const left = limitUsd - spend.windowUsd;
  return `${left > 0 ? usd(left) : "nothing"} left`;
}

function leftOfLimit(key: Key): string {
  return key.spend === null ? amountLeft(key) : `${amountLeft(key)} of ${usd(key.limitUsd)}`;
}

/** The bar says of how much, in a row that is short of room; the limit itself is in the tooltip. */
function withBar(key: Key): string {
  const { spend, limitUsd } = key;
  return spend === null || limitUsd <= 0
    ? amountLeft(key)
    : `${spendBar(spend.windowUsd / limitUsd)} ${amountLeft(key)}`;
}

const blocks = 5;

/** `▰▰▱▱▱`: full only when nothing is left, and not empty once something is spent. */
export function spendBar(share: number): string {
  const filled = share <= 0 ? 0 : share >= 1 ? blocks : Math.min(blocks - 1, Math.max(1, Math.round(share * blocks)));
  return "▰".repeat(filled) + "▱".repeat(blocks - filled);
}

function alarmColor({ spend, limitUsd }: Key): string | undefined {
  if (spend === null) return undefined;
  if (spend.windowUsd >= limitUsd * errorShare) return "charts.red";
  return spend.windowUsd >= limitUsd * warningShare ? "charts.yellow" : undefined;
}
