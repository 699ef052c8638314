import * as vscode from "vscode";

import type { TerminalVariables } from "../tools/terminal-variables.ts";

/**
 * The environment that VS Code gives its integrated terminals. VS Code would keep a collection in its workspace storage,
 * in clear, so that this one is told not to be kept before anything is put into it.
 */
export function createTerminalVariables(collection: vscode.EnvironmentVariableCollection): TerminalVariables {
  collection.persistent = false;
  collection.description = new vscode.MarkdownString(
    vscode.l10n.t("Lets the coding tools that you set up use your OpenRouter key."),
  );
  return {
    // Also after the shell has read its own start files, which would put back what the blanks take away.
    set: (name, value) =>
      collection.replace(name, value, { applyAtProcessCreation: true, applyAtShellIntegration: true }),
    remove: (name) => collection.delete(name),
  };
}
