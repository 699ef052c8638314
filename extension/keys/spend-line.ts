import { errorShare, isLive, isUsable, warningShare } from "./key-row.ts";
import type { KeyRingState } from "./key-ring.ts";
import { clockTimeOf, dayOf, perWindow, usd } from "./wording.ts";

export type SpendLine =
  | { readonly kind: "hidden" }
  | {
      readonly kind: "shown";
      readonly text: string;
      readonly severity: "normal" | "warning" | "error";
      readonly tooltip: readonly string[];
      readonly accessibilityLabel: string;
    };

type Ready = Extract<KeyRingState, { readonly kind: "ready" }>;

/** What the status bar says of the money. An amount that is old, or not the whole, says so. */
export function spendLine(state: KeyRingState): SpendLine {
  switch (state.kind) {
    case "no-address":
    case "signed-out":
    case "loading":
      return { kind: "hidden" };
    case "ready":
      return lineOf(state, undefined);
    case "failed":
      if (state.previous !== undefined) return lineOf(state.previous, state.message);
      return {
        kind: "shown",
        text: "spend unknown",
        severity: "normal",
        tooltip: ["OpenRouter Keys", state.message],
        accessibilityLabel: "OpenRouter spend unknown",
      };
  }
}

function lineOf({ keys, me, asOf, complete }: Ready, fault: string | undefined): SpendLine {
  const { budgetUsd, reset } = me.plan;
  const live = keys.filter(isLive);
  const spent = live.reduce((sum, { spend }) => sum + (spend?.windowUsd ?? 0), 0);
  const isWhole = complete && live.every(({ spend }) => spend !== null);
  const nothingKnown = live.length > 0 && live.every(({ spend }) => spend === null);

  const amount = nothingKnown
    ? `spend unknown, of ${usd(budgetUsd)}`
    : `${isWhole ? "" : "at least "}${usd(spent)} of ${usd(budgetUsd)}`;
  const text = fault === undefined ? amount : `${amount} at ${clockTimeOf(asOf)}`;

  const shares = [
    ...(budgetUsd > 0 ? [spent / budgetUsd] : []),
    ...keys.filter(isUsable).map(({ spend, limitUsd }) => (spend === null ? 0 : spend.windowUsd / limitUsd)),
  ];
  const highest = Math.max(0, ...shares);
  const nearLimit = keys.filter(
    (key) => isUsable(key) && key.spend !== null && key.spend.windowUsd >= key.limitUsd * warningShare,
  );
  const resetsAt = live.find(({ spend }) => spend?.resetsAt)?.spend?.resetsAt;

  return {
    kind: "shown",
    text,
    severity: highest >= errorShare ? "error" : highest >= warningShare ? "warning" : "normal",
    tooltip: [
      `OpenRouter: ${amount} ${perWindow(reset)}${resetsAt ? `, resets ${dayOf(resetsAt)}` : ""}`,
      ...nearLimit.map(({ name, spend, limitUsd }) => `${name}: ${usd(spend?.windowUsd ?? 0)} of ${usd(limitUsd)}`),
      ...(isWhole ? [] : ["OpenRouter could not be asked about every key."]),
      ...(fault === undefined ? [`As of ${clockTimeOf(asOf)}`] : [`As of ${clockTimeOf(asOf)}; since then: ${fault}`]),
    ],
    accessibilityLabel: `OpenRouter spend: ${text} ${perWindow(reset)}`,
  };
}
