import { homedir } from "node:os";
import { basename } from "node:path";

import * as vscode from "vscode";

import { writeWhole } from "../admin/write-whole.ts";
import type { FileToSave } from "../ui/export-keys.ts";

/** The editor's own dialog; on this machine's disk nothing is held in memory. */
export async function chooseFile(suggested: string): Promise<FileToSave | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri ?? vscode.Uri.file(homedir());
  const uri = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(folder, suggested),
    filters: { [vscode.l10n.t("Comma-Separated Values")]: ["csv"] },
  });
  if (uri === undefined) return undefined;
  const name = basename(uri.path);
  if (uri.scheme !== "file") {
    return {
      name,
      write: async (chunks) => {
        const all: Uint8Array[] = [];
        for await (const chunk of chunks) all.push(chunk);
        await vscode.workspace.fs.writeFile(uri, Buffer.concat(all));
      },
    };
  }
  return { name, write: (chunks) => writeWhole(uri.fsPath, chunks) };
}
