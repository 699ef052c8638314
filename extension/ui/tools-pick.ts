import * as vscode from "vscode";

import { UserError } from "../base/errors.ts";
import type { ToolId } from "../tools/catalogue.ts";
import type { PickTools, ToolChoice } from "./set-up-tools.ts";
import { showChanges } from "./show-changes.ts";

interface Item extends vscode.QuickPickItem {
  /** None for a note. */
  readonly choice?: ToolChoice;
}

interface Answer {
  readonly kind: "chosen" | "dismissed" | "look";
  /** What is ticked. */
  readonly ticked: ReadonlySet<ToolId>;
  /** The row whose button was pressed. */
  readonly row?: ToolChoice;
}

/**
 * The one question before tools are set up. A row's button shows what would change in the editor's own diff; the question
 * would lie over it, so it goes, and comes back as it was when the diff is closed. Tab goes from a row to its button.
 */
export const pickTools: PickTools = async (question, choices, previewOf) => {
  let answer: Answer = {
    kind: "look",
    ticked: new Set(choices.filter(({ isPicked }) => isPicked).map(({ id }) => id)),
  };
  for (;;) {
    answer = await ask(question, choices, answer);
    const { kind, ticked, row } = answer;
    if (kind === "dismissed") return undefined;
    if (row === undefined) return [...ticked];
    try {
      await showChanges(row.label, await previewOf(row.id));
    } catch (error) {
      const why = error instanceof UserError ? error.message : vscode.l10n.t("The changes could not be shown.");
      void vscode.window.showErrorMessage(why, vscode.l10n.t("OK"));
    }
  }
};

function ask(
  question: Parameters<PickTools>[0],
  choices: readonly ToolChoice[],
  { ticked, row }: Answer,
): Promise<Answer> {
  return new Promise((resolve) => {
    const pick = vscode.window.createQuickPick<Item>();
    const end = (kind: Answer["kind"], pressed?: ToolChoice): void => {
      const ticked = new Set(pick.selectedItems.flatMap(({ choice }) => choice?.id ?? []));
      resolve({ kind, ticked, ...(pressed === undefined ? {} : { row: pressed }) });
      pick.dispose();
    };
    pick.title = question.title;
    pick.placeholder = question.placeholder;
    pick.ignoreFocusOut = true;
    pick.canSelectMany = true;
    const items = choices.map(itemOf);
    const notes = question.notes.map((label) => ({ label, kind: vscode.QuickPickItemKind.Separator }));
    pick.items = [...items, ...notes];
    pick.selectedItems = items.filter(({ choice }) => ticked.has(choice.id));
    // A row shows its button only while it is active: the first one lets people know.
    pick.activeItems = items.filter(({ choice }, index) => (row === undefined ? index === 0 : choice === row));
    pick.onDidAccept(() => end("chosen"));
    pick.onDidTriggerItemButton(({ item }) => end("look", item.choice));
    pick.onDidHide(() => end("dismissed"));
    pick.show();
  });
}

function itemOf(choice: ToolChoice): Item & { readonly choice: ToolChoice } {
  const { label, description, detail, hasChanges } = choice;
  const button = { iconPath: new vscode.ThemeIcon("diff"), tooltip: vscode.l10n.t("Show Changes") };
  return {
    label,
    detail,
    ...(description === undefined ? {} : { description }),
    ...(hasChanges ? { buttons: [button] } : {}),
    choice,
  };
}
