import { basename } from "node:path";

import * as vscode from "vscode";

import type { FilePreview } from "../tools/preview.ts";

const scheme = "openrouter-keys-changes";

/** What set-up would change, in the editor's own diff: documents that exist in this window only, and until `close`. */
export function createChangesShown(): {
  readonly show: (label: string, previews: readonly FilePreview[]) => Promise<void>;
  readonly close: () => Promise<void>;
} {
  const texts = new Map<string, string>();
  const provider = vscode.workspace.registerTextDocumentContentProvider(scheme, {
    provideTextDocumentContent: ({ path }) => texts.get(path) ?? "",
  });
  /** No two questions share a document: the editor may keep the one of before. */
  const round = Date.now().toString(36);

  function keep(label: string, side: string, file: string, text: string): vscode.Uri {
    const path = `/${round}/${encodeURIComponent(label)}/${side}/${basename(file)}`;
    texts.set(path, text);
    return vscode.Uri.from({ scheme, path });
  }

  return {
    show: async (label, previews) => {
      for (const { file, before, after } of previews) {
        await vscode.commands.executeCommand(
          "vscode.diff",
          keep(label, "before", file, before),
          keep(label, "after", file, after),
          vscode.l10n.t("{0} for {1}: as it is ↔ set up", basename(file), label),
          // The question stays in front.
          { preview: false, preserveFocus: true } satisfies vscode.TextDocumentShowOptions,
        );
      }
    },
    close: async () => {
      const tabs = vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .filter(({ input }) => input instanceof vscode.TabInputTextDiff && texts.has(input.modified.path));
      await vscode.window.tabGroups.close(tabs);
      provider.dispose();
    },
  };
}
