import * as vscode from "vscode";

import type { AskMicrosoft } from "../account/microsoft.ts";

/** The provider that is built into the editor. It asks the person for consent, and for their account where needed. */
export const askMicrosoft: AskMicrosoft = async (scopes) => {
  const detail = vscode.l10n.t("OpenRouter Keys signs you in at your company's function with your Microsoft account.");
  const session = await vscode.authentication.getSession("microsoft", scopes, { createIfNone: { detail } });
  return session.accessToken;
};
