import * as vscode from "vscode";

/**
 * Opens exactly this address. `Uri.parse` decodes an address and writes it anew, and an editor in a browser does the
 * same to addresses of its own machine when it forwards them; either mangles a `redirect_uri` inside the query. So the
 * editor forwards the address without its query, which is then added as it is. At run time the editor takes a text (its
 * own type says `Uri` only), which is the guarantee behind this one cast.
 */
export async function openExternal(address: string): Promise<boolean> {
  const mark = address.indexOf("?");
  const [base, query] = mark < 0 ? [address, ""] : [address.slice(0, mark), address.slice(mark)];
  const external = (await vscode.env.asExternalUri(vscode.Uri.parse(base))).toString(true);
  return vscode.env.openExternal(`${external}${query}` as unknown as vscode.Uri);
}
