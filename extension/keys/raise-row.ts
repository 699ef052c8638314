import type { Raise } from "../../functions/contract/raises.ts";
import { presentable } from "../base/errors.ts";
import { isOpen } from "./raise-list.ts";
import { dayAndYearOf, dayOf, usd } from "./wording.ts";

export interface RaiseRow {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  /** A codicon's name and a theme colour's id. */
  readonly icon: string;
  readonly color: string;
  readonly accessibilityLabel: string;
  readonly tooltip: readonly string[];
}

/** How long a refusal is to be seen. */
const refusalShown = 7 * 24 * 60 * 60_000;

/** What waits, what is in force, and what was refused lately. */
export function raiseRows(raises: readonly Raise[], now: number): readonly RaiseRow[] {
  const isRecent = ({ state, decidedAt }: Raise): boolean =>
    state === "refused" && decidedAt !== undefined && now - Date.parse(decidedAt) < refusalShown;
  return raises.filter((raise) => isOpen(raise) || isRecent(raise)).map(raiseRow);
}

const looks: Readonly<Record<Raise["state"], readonly [icon: string, color: string]>> = {
  waiting: ["clock", "charts.yellow"],
  approved: ["pass", "charts.green"],
  refused: ["circle-slash", "charts.red"],
  ended: ["history", "disabledForeground"],
  unknown: ["question", "disabledForeground"],
};

function raiseRow(raise: Raise): RaiseRow {
  const { id, state, keyName, limitUsd, until, reason, createdAt, note } = raise;
  const [icon, color] = looks[state];
  const what = `${usd(limitUsd)} until ${dayOf(until)}`;
  const description = `${what} · ${state === "waiting" ? "waits for an administrator" : state}`;
  const label = presentable(keyName);
  return {
    id,
    label,
    description,
    icon,
    color,
    accessibilityLabel: `Raise on ${label}, ${description}`,
    tooltip: [
      `${label}: ${usd(limitUsd)} until ${dayAndYearOf(until)}, asked for on ${dayAndYearOf(createdAt)}`,
      `Reason: ${presentable(reason, 500)}`,
      ...(state === "waiting"
        ? ["Nothing changes until an administrator has decided. You are told when one has."]
        : []),
      ...(state === "approved" ? ["The key has what it had before again when the time is over."] : []),
      ...(note === undefined ? [] : [`Note: ${presentable(note, 500)}`]),
    ],
  };
}
