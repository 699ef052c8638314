import * as vscode from "vscode";

import type { Words } from "../base/words.ts";

/** The editor's language where there is a translation for it, and English elsewhere: never half of each. */
export function editorWords(): Words {
  return {
    translate: (message, ...values) => vscode.l10n.t(message, ...values),
    language: vscode.l10n.bundle === undefined ? "en" : vscode.env.language,
  };
}
