import { errorShare, isLive, isUsable, warningShare } from "./key-row.ts";
import { type KeyRingState, previousOf } from "./key-ring.ts";
import type { LiveReading, LiveSpend } from "./live-spend.ts";
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

/**
 * What the status bar says of the money: of the key that tools use here, as OpenRouter told it; without such a key, of
 * all keys and the plan. An amount that is old, or not the whole, says so.
 */
export function spendLine(state: KeyRingState, live: LiveSpend = { kind: "none" }): SpendLine {
  if (live.kind === "key") return keyLine(state, live);
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

/** Why a fresh figure may still be behind: people compare it with what they have just sent. */
const lag = "OpenRouter counts a request a little after it has ended.";

function keyLine(state: KeyRingState, { keyId, reading, fault }: Extract<LiveSpend, { kind: "key" }>): SpendLine {
  const ring = previousOf(state);
  const listed = ring?.keys.find(({ id }) => id === keyId);
  const known = reading ?? readingOf(listed, ring?.asOf);
  const name = listed?.name ?? "The key of your coding tools";
  const others = (ring?.keys ?? []).filter((key) => isLive(key) && key.id !== keyId);
  const byKey = others.map((key) =>
    key.spend === null
      ? `${key.name}: spend unknown, of ${usd(key.limitUsd)}`
      : `${key.name}: ${usd(key.spend.windowUsd)} of ${usd(key.limitUsd)}`,
  );
  const away = state.kind === "failed" ? [state.message] : [];
  if (known === undefined) {
    return {
      kind: "shown",
      text: "spend unknown",
      severity: "normal",
      tooltip: [`${name}: spend unknown`, ...(fault === undefined ? [] : [fault]), ...byKey, ...away],
      accessibilityLabel: `OpenRouter spend of ${name} unknown`,
    };
  }
  const { limitUsd, windowUsd, reset, at } = known;
  const time = clockTimeOf(new Date(at).toISOString());
  const amount = limitUsd === null ? usd(windowUsd) : `${usd(windowUsd)} of ${usd(limitUsd)}`;
  const text = fault === undefined ? amount : `${amount} at ${time}`;
  const share = limitUsd === null || limitUsd <= 0 ? 0 : windowUsd / limitUsd;
  const per = reset === undefined ? "" : ` ${perWindow(reset)}`;
  const resetsAt = listed?.spend?.resetsAt;
  return {
    kind: "shown",
    text,
    severity: share >= errorShare ? "error" : share >= warningShare ? "warning" : "normal",
    tooltip: [
      `${name}: ${amount}${per}${resetsAt ? `, resets ${dayOf(resetsAt)}` : ""}`,
      ...byKey,
      fault === undefined ? `As of ${time}. ${lag}` : `As of ${time}; since then: ${fault}`,
      ...away,
    ],
    accessibilityLabel: `OpenRouter spend of ${name}: ${text}${per}`,
  };
}

function readingOf(key: Ready["keys"][number] | undefined, asOf: string | undefined): LiveReading | undefined {
  if (key === undefined || key.spend === null || asOf === undefined) return undefined;
  const { windowUsd, dayUsd } = key.spend;
  return { limitUsd: key.limitUsd, reset: key.reset, windowUsd, dayUsd, at: Date.parse(asOf) };
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
