import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import type { KeyRing, KeyRingState } from "../keys/key-ring.ts";
import { spendLine } from "../keys/spend-line.ts";
import { type CommandId, spendStatusId } from "../manifest.ts";

/** The amount in the status bar; a click shows the keys. */
export function createSpendStatus(ring: KeyRing): Disposable {
  const item = vscode.window.createStatusBarItem(spendStatusId, vscode.StatusBarAlignment.Right, 90);
  item.name = vscode.l10n.t("OpenRouter Spend");
  item.command = "openrouterKeys.showSpend" satisfies CommandId;

  const show = (state: KeyRingState): void => {
    const line = spendLine(state);
    if (line.kind === "hidden") {
      item.hide();
      return;
    }
    item.text = `$(key) ${line.text}`;
    item.tooltip = line.tooltip.join("\n");
    item.accessibilityInformation = { label: line.accessibilityLabel, role: "button" };
    item.backgroundColor =
      line.severity === "normal" ? undefined : new vscode.ThemeColor(`statusBarItem.${line.severity}Background`);
    item.show();
  };
  const subscription = ring.onDidChange(show);
  show(ring.current);
  return {
    dispose: () => {
      subscription.dispose();
      item.dispose();
    },
  };
}
