import type { Key } from "../../functions/contract/keys.ts";
import { dayAndYearOf, dayOf, perWindow, usd } from "./wording.ts";

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
  readonly tooltip: readonly string[];
}

export interface KeyRowFacts {
  /** The key helper gives this key to tools. */
  readonly isToolsKey: boolean;
  /** Its secret is in this editor's secret storage. */
  readonly isStored: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** From these shares of a limit on, an amount is shown as a warning or as an error. */
export const warningShare = 0.8;
export const errorShare = 0.95;

const dayLength = 24 * 60 * 60_000;

const icons: Readonly<Record<Key["state"], readonly [icon: string, color: string]>> = {
  active: ["key", "charts.green"],
  retiring: ["history", "charts.yellow"],
  disabled: ["circle-slash", "disabledForeground"],
  revoked: ["error", "charts.red"],
  expired: ["clock", "disabledForeground"],
  gone: ["question", "disabledForeground"],
  unknown: ["question", "disabledForeground"],
};

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
  const amount = amountOf(key);
  const untilExpiry = Date.parse(key.expiresAt) - now;
  const expiresSoon = isLive(key) && untilExpiry > 0 && untilExpiry < 7 * dayLength;
  const parts = [
    ...(key.state === "active" ? [] : [key.state === "unknown" ? "unknown state" : key.state]),
    ...(isLive(key) ? [amount] : []),
    ...(isLive(key) && key.spend?.resetsAt ? [`resets ${dayOf(key.spend.resetsAt)}`] : []),
    ...(expiresSoon ? [`expires ${dayOf(key.expiresAt)}`] : []),
    ...(isToolsKey ? ["used by tools"] : []),
  ];
  const [icon, color] = icons[key.state];
  return {
    id: key.id,
    label: key.name,
    description: parts.join(" · "),
    icon,
    color: isUsable(key) ? (alarmColor(key) ?? color) : color,
    contextValue: ["key", key.state, ...(isToolsKey ? ["tools"] : []), ...(isStored ? ["stored"] : [])].join(" "),
    accessibilityLabel: `Key ${key.name}, ${[...(key.state === "active" ? ["active"] : []), ...parts].join(", ")}`,
    tooltip: [
      key.name,
      stateSentences[key.state],
      `Limit: ${usd(key.limitUsd)} ${perWindow(key.reset)}`,
      key.spend === null
        ? "Spend: OpenRouter could not be asked"
        : `Spend: today ${usd(key.spend.dayUsd)}, this week ${usd(key.spend.weekUsd)}, this month ${usd(key.spend.monthUsd)}`,
      `Made ${dayAndYearOf(key.createdAt)}, expires ${dayAndYearOf(key.expiresAt)}`,
      ...(isToolsKey ? ["Your coding tools use this key."] : []),
      ...(isStored ? [] : ["Its secret is not stored in this editor."]),
    ],
  };
}

function amountOf({ spend, limitUsd }: Key): string {
  if (spend === null) return `limit ${usd(limitUsd)}, spend unknown`;
  return `${usd(spend.windowUsd)} of ${usd(limitUsd)}`;
}

function alarmColor({ spend, limitUsd }: Key): string | undefined {
  if (spend === null) return undefined;
  if (spend.windowUsd >= limitUsd * errorShare) return "charts.red";
  return spend.windowUsd >= limitUsd * warningShare ? "charts.yellow" : undefined;
}
