import * as vscode from "vscode";

import { extensionId, redirectPath } from "../../functions/contract/paths.ts";
import { type Callback, isBrowserHere } from "../account/redirect.ts";
import type { SignInEditor } from "../account/sign-in.ts";
import { createEmitter } from "../base/emitter.ts";
import { openExternal } from "./open-external.ts";

/** The browser and the editor's callback address. The handler does nothing by itself: any web page can call it. */
export function createSignInEditor(): SignInEditor & { dispose(): void } {
  const callbacks = createEmitter<Callback>();
  const registration = vscode.window.registerUriHandler({
    handleUri: (uri) => callbacks.fire({ path: uri.path, query: uri.query }),
  });
  return {
    callbackAddress: async () => {
      const own = vscode.Uri.from({ scheme: vscode.env.uriScheme, authority: extensionId, path: redirectPath });
      // Unencoded where that is safe: the function compares scheme, host and path as plain text.
      return (await vscode.env.asExternalUri(own)).toString(true);
    },
    isBrowserHere: () =>
      isBrowserHere({
        isWeb: vscode.env.uiKind === vscode.UIKind.Web,
        remoteName: vscode.env.remoteName,
        env: process.env,
      }),
    openInBrowser: async (address) => openExternal(address),
    onCallback: callbacks.event,
    askForCode,
    folder: () => (vscode.workspace.workspaceFile ?? vscode.workspace.workspaceFolders?.[0]?.uri ?? "").toString(),
    dispose: () => {
      registration.dispose();
      callbacks.dispose();
    },
  };
}

/** What the function's page shows: base64url, and people copy blanks and line ends along. */
const wholeCode = /^[A-Za-z0-9_-]{20,200}$/;

async function askForCode(signal: AbortSignal, problem: string | undefined): Promise<string | undefined> {
  const cancellation = new vscode.CancellationTokenSource();
  const cancel = (): void => cancellation.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const prompt =
      problem ??
      vscode.l10n.t("When you have signed in, your browser shows a code. It works once, in this editor only.");
    const text = await vscode.window.showInputBox(
      {
        title: vscode.l10n.t("Paste Your Sign-In Code"),
        prompt,
        placeHolder: vscode.l10n.t("The code from your browser"),
        ignoreFocusOut: true,
        validateInput: (typed) =>
          typed.trim() === "" || wholeCode.test(typed.trim())
            ? undefined
            : vscode.l10n.t("This is not a whole code. Copy all of it from the page in your browser."),
      },
      cancellation.token,
    );
    if (signal.aborted || text === undefined) return undefined;
    // Enter on the empty box is a slip and no code.
    return text.trim() === "" ? await askForCode(signal, problem) : text.trim();
  } finally {
    signal.removeEventListener("abort", cancel);
    cancellation.dispose();
  }
}
