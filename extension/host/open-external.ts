import * as vscode from "vscode";

/**
 * Opens exactly this address. `Uri.parse` decodes an address and writes it anew, and then a `redirect_uri` inside
 * its query arrives mangled. At run time the editor takes the text as it is (its own type says `Uri` only), which is
 * the guarantee behind this one cast.
 */
export function openExternal(address: string): Thenable<boolean> {
  return vscode.env.openExternal(address as unknown as vscode.Uri);
}
