import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { LiveSpendWatch } from "../keys/live-spend.ts";
import { blockChart, type DayOfSpend, totalOf } from "../keys/spend-history.ts";
import { spendLine } from "../keys/spend-line.ts";
import { type CommandId, spendStatusId } from "../manifest.ts";

/** High-contrast themes show no background. */
const icons = { normal: "key", warning: "warning", error: "error" } as const;

interface SpendStatusDeps {
  readonly ring: Pick<KeyRing, "current" | "onDidChange">;
  readonly live: Pick<LiveSpendWatch, "current" | "onDidChange">;
  readonly days: () => readonly DayOfSpend[];
}

/** The amount in the status bar; a click shows the details. */
export function createSpendStatus({ ring, live, days }: SpendStatusDeps): Disposable & { readonly show: () => void } {
  const item = vscode.window.createStatusBarItem(spendStatusId, vscode.StatusBarAlignment.Right, 90);
  item.name = vscode.l10n.t("OpenRouter Spend");
  item.command = "openrouterKeys.showSpend" satisfies CommandId;

  const show = (): void => {
    const line = spendLine(ring.current, live.current);
    if (line.kind === "hidden") {
      item.hide();
      return;
    }
    item.text = `$(${icons[line.severity]}) ${line.text}`;
    item.tooltip = tooltipOf(line.tooltip, days());
    item.accessibilityInformation = { label: line.accessibilityLabel, role: "button" };
    item.backgroundColor =
      line.severity === "normal" ? undefined : new vscode.ThemeColor(`statusBarItem.${line.severity}Background`);
    item.show();
  };
  const subscriptions = [ring.onDidChange(show), live.onDidChange(show)];
  show();
  return {
    show,
    dispose: () => {
      for (const subscription of subscriptions) subscription.dispose();
      item.dispose();
    },
  };
}

/** Appended as text: a key's name must not be read as Markdown. */
function tooltipOf(lines: readonly string[], days: readonly DayOfSpend[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  for (const line of lines) text.appendText(line).appendMarkdown("\n\n");
  const amounts = days.map(totalOf);
  if (amounts.every((amount) => amount === undefined)) return text;
  text.appendCodeblock(blockChart(amounts), "text");
  return text.appendText(vscode.l10n.t("The last {0} days, all keys. A dot is a day not seen here.", days.length));
}
