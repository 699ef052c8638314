import * as vscode from "vscode";

import { type SignInRow, signInRows } from "../account/sign-in-row.ts";
import type { ShowSignIns, SignInsChoice, SignInsContent } from "./sign-ins.ts";

interface Item extends vscode.QuickPickItem {
  readonly choice: Exclude<SignInsChoice, undefined>;
}

/** A quick pick: Enter on a row and its button do the same, so that the list needs no mouse. */
export const pickSignIn: ShowSignIns = (content) =>
  new Promise<SignInsChoice>((resolve, reject) => {
    const pick = vscode.window.createQuickPick<Item>();
    let choice: SignInsChoice;
    const choose = (chosen: SignInsChoice): void => {
      choice = chosen;
      pick.hide();
    };
    pick.title = vscode.l10n.t("Where You Are Signed In");
    pick.placeholder = vscode.l10n.t("Asking for your sign-ins…");
    pick.busy = true;
    pick.ignoreFocusOut = true;
    pick.matchOnDescription = true;
    pick.onDidAccept(() => choose(pick.selectedItems[0]?.choice));
    pick.onDidTriggerItemButton(({ item }) => choose(item.choice));
    pick.onDidHide(() => {
      pick.dispose();
      resolve(choice);
    });
    pick.show();
    content.then(
      (known) => {
        pick.busy = false;
        pick.placeholder = placeholderOf(known);
        pick.items =
          known.kind === "failed" ? [failedItem(known.message)] : signInRows(known.signIns, known.now).map(rowItem);
      },
      (error: unknown) => {
        reject(error);
        pick.hide();
      },
    );
  });

function placeholderOf(content: SignInsContent): string {
  if (content.kind === "failed") return vscode.l10n.t("Your sign-ins cannot be shown");
  if (content.signIns.length === 1) return vscode.l10n.t("You are signed in nowhere else");
  return vscode.l10n.t("Choose one to end it");
}

function failedItem(message: string): Item {
  return { label: `$(refresh) ${vscode.l10n.t("Try Again")}`, detail: message, choice: { kind: "again" } };
}

function rowItem(row: SignInRow): Item {
  const tooltip = row.isCurrent ? vscode.l10n.t("Sign Out") : vscode.l10n.t("End Sign-In");
  return {
    // An icon in a text of somebody else's would be drawn: only ours is.
    label: `$(${row.icon}) ${row.label.replaceAll("$(", "$ (")}`,
    description: row.description,
    detail: row.detail,
    buttons: [{ iconPath: new vscode.ThemeIcon(row.isCurrent ? "sign-out" : "trash"), tooltip }],
    choice: { kind: "end", row },
  };
}
