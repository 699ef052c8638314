import * as vscode from "vscode";

import { UserError } from "../base/errors.ts";
import { createChangesShown } from "./show-changes.ts";
import type { PickTools, ToolChoice } from "./set-up-tools.ts";

interface Item extends vscode.QuickPickItem {
  readonly choice: ToolChoice;
}

/**
 * The one question before tools are set up. A row's button shows what would change in the editor's own diff, while the
 * question stays; Tab goes from a row to its button, so that no mouse is needed.
 */
export const pickTools: PickTools = (question, choices, previewOf) =>
  new Promise((resolve) => {
    const changes = createChangesShown();
    const pick = vscode.window.createQuickPick<Item>();
    let chosen: readonly ToolChoice[] | undefined;
    const showButton = { iconPath: new vscode.ThemeIcon("diff"), tooltip: vscode.l10n.t("Show Changes") };

    pick.title = question.title;
    pick.placeholder = question.placeholder;
    pick.ignoreFocusOut = true;
    pick.canSelectMany = true;
    const items = choices.map((choice): Item => ({
      label: choice.label,
      detail: choice.detail,
      ...(choice.description === undefined ? {} : { description: choice.description }),
      ...(choice.hasChanges ? { buttons: [showButton] } : {}),
      choice,
    }));
    pick.items = items;
    pick.selectedItems = items.filter(({ choice }) => choice.isPicked);
    pick.onDidAccept(() => {
      chosen = pick.selectedItems.map(({ choice }) => choice);
      pick.hide();
    });
    pick.onDidTriggerItemButton(async ({ item: { choice } }) => {
      pick.busy = true;
      try {
        await changes.show(choice.label, await previewOf(choice.id));
      } catch (error) {
        const why = error instanceof UserError ? error.message : vscode.l10n.t("The changes could not be shown.");
        void vscode.window.showErrorMessage(why);
      } finally {
        pick.busy = false;
      }
    });
    pick.onDidHide(() => {
      pick.dispose();
      void changes.close();
      resolve(chosen?.map(({ id }) => id));
    });
    pick.show();
  });
