import * as vscode from "vscode";

import { CancelledError } from "../base/errors.ts";
import type { Dialogs } from "./dialogs.ts";

/** Characters that surely fit the one line of a message without buttons. */
const oneLine = 50;

/** The editor cuts a message without buttons to its first line: what is longer gets one that only closes it. */
async function whole(
  show: (message: string, ...buttons: string[]) => Thenable<string | undefined>,
  message: string,
  buttons: readonly string[],
): Promise<string | undefined> {
  if (buttons.length > 0 || message.length <= oneLine) return show(message, ...buttons);
  await show(message, vscode.l10n.t("OK"));
  return undefined;
}

/** The dialogs as the editor shows them. */
export function createEditorDialogs(showLog: () => void): Dialogs {
  return {
    info: (message, ...buttons) => whole(vscode.window.showInformationMessage, message, buttons),
    warn: (message, ...buttons) => whole(vscode.window.showWarningMessage, message, buttons),
    error: (message, ...buttons) => whole(vscode.window.showErrorMessage, message, buttons),
    confirm: async (message, detail, button) =>
      (await vscode.window.showWarningMessage(message, { modal: true, detail }, button)) === button,
    input: async ({ title, prompt, value, fault }) =>
      vscode.window.showInputBox({ title, prompt, value, validateInput: fault, ignoreFocusOut: true }),
    pickOne: async (title, placeHolder, choices) =>
      (await vscode.window.showQuickPick([...choices], { title, placeHolder, ignoreFocusOut: true }))?.value,
    pickMany: async (title, placeHolder, choices) => {
      const items = choices.map((choice) => ({ ...choice, picked: true }));
      const options = { title, placeHolder, ignoreFocusOut: true, canPickMany: true } as const;
      return (await vscode.window.showQuickPick(items, options))?.map(({ value }) => value);
    },
    progress: async (title, work) => {
      const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
      const stop = new AbortController();
      return vscode.window.withProgress(options, async (progress, token) => {
        const subscription = token.onCancellationRequested(() => stop.abort(new CancelledError()));
        try {
          return await work(stop.signal, (message) => progress.report({ message }));
        } finally {
          subscription.dispose();
        }
      });
    },
    openSetting: async (id) => {
      await vscode.commands.executeCommand("workbench.action.openSettings", `@id:${id}`);
    },
    showLog: async () => showLog(),
    reload: async () => {
      await vscode.commands.executeCommand("workbench.action.reloadWindow");
    },
  };
}
