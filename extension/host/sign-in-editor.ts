import * as vscode from "vscode";

import { extensionId, redirectPath } from "../../functions/contract/paths.ts";
import type { SignInEditor } from "../account/sign-in.ts";
import type { Callback } from "../account/redirect.ts";
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
    openInBrowser: async (address) => openExternal(address),
    onCallback: callbacks.event,
    dispose: () => {
      registration.dispose();
      callbacks.dispose();
    },
  };
}
