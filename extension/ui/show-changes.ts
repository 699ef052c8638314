import { basename } from "node:path";

import * as vscode from "vscode";

import type { FilePreview } from "../tools/preview.ts";

const scheme = "openrouter-keys-changes";

/** The editor keeps a document that it has seen: no two looks share one. */
let looks = 0;

/**
 * What set-up would change, in the editor's own diff: documents that exist in this window only, and while they are shown.
 * Resolves when the person has seen enough: they closed the diffs, or cancelled the message.
 */
export async function showChanges(label: string, previews: readonly FilePreview[]): Promise<void> {
  const texts = new Map<string, string>();
  const provider = vscode.workspace.registerTextDocumentContentProvider(scheme, {
    provideTextDocumentContent: ({ path }) => texts.get(path) ?? "",
  });
  const keep = (side: string, file: string, text: string): vscode.Uri => {
    const path = `/${looks}/${side}/${basename(file)}`;
    texts.set(path, text);
    return vscode.Uri.from({ scheme, path });
  };
  try {
    for (const { file, before, after } of previews) {
      looks += 1;
      await vscode.commands.executeCommand(
        "vscode.diff",
        keep("before", file, before),
        keep("after", file, after),
        vscode.l10n.t("{0} for {1}: as it is ↔ set up", basename(file), label),
        { preview: false } satisfies vscode.TextDocumentShowOptions,
      );
    }
    if (tabs().length === 0) return;
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: vscode.l10n.t("Nothing is written yet. Close the comparison to go back to the choice of tools."),
      cancellable: true,
    };
    // Of all messages the only kind that goes away by itself when it has become pointless.
    await vscode.window.withProgress(options, (_, token) => untilClosed(token));
    await vscode.window.tabGroups.close(tabs());
  } finally {
    provider.dispose();
  }
}

function tabs(): readonly vscode.Tab[] {
  return vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.scheme === scheme);
}

function untilClosed(token: vscode.CancellationToken): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      for (const subscription of subscriptions) subscription.dispose();
      resolve();
    };
    const subscriptions = [
      token.onCancellationRequested(end),
      vscode.window.tabGroups.onDidChangeTabs(() => {
        if (tabs().length === 0) end();
      }),
    ];
  });
}
