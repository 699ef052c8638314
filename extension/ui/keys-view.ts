import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import { type KeyRow, keyRow } from "../keys/key-row.ts";
import type { KeyRing, KeyRingState } from "../keys/key-ring.ts";
import { keysViewId } from "../manifest.ts";
import { pollWhileVisible } from "./poll-while-visible.ts";

/** A row as commands get it; `change-key.ts` reads `keyId`. */
interface KeyElement {
  readonly keyId: string;
  readonly row: KeyRow;
}

export interface KeysView extends Disposable {
  reveal(): Promise<void>;
}

/** The owned keys. Asks the function only while somebody can see them. */
export function createKeysView(ring: KeyRing): KeysView {
  const treeChanges = new vscode.EventEmitter<void>();
  const view = vscode.window.createTreeView<KeyElement>(keysViewId, {
    treeDataProvider: {
      onDidChangeTreeData: treeChanges.event,
      getChildren: (element) => (element === undefined ? elementsOf(ring.current) : []),
      getTreeItem: toTreeItem,
    },
  });

  const show = (state: KeyRingState): void => {
    treeChanges.fire();
    view.message =
      state.kind === "failed" && state.previous !== undefined
        ? vscode.l10n.t("Not up to date. {0}", state.message)
        : state.kind === "ready" && !state.complete
          ? vscode.l10n.t("OpenRouter could not be asked about every key.")
          : "";
  };
  const subscriptions = [ring.onDidChange(show), pollWhileVisible(view, ring.poll)];

  return {
    reveal: async () => {
      await vscode.commands.executeCommand(`${keysViewId}.focus`);
    },
    dispose: () => {
      for (const subscription of subscriptions) subscription.dispose();
      view.dispose();
      treeChanges.dispose();
    },
  };
}

function elementsOf(state: KeyRingState): KeyElement[] {
  const ready = state.kind === "failed" ? state.previous : state.kind === "ready" ? state : undefined;
  if (ready === undefined) return [];
  const now = Date.now();
  return ready.keys.map((key) => ({
    keyId: key.id,
    row: keyRow(key, { isToolsKey: key.id === ready.toolsKeyId, isStored: ready.storedIds.has(key.id), now }),
  }));
}

function toTreeItem({ row }: KeyElement): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState.None);
  item.id = row.id;
  item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(row.icon, new vscode.ThemeColor(row.color));
  item.contextValue = row.contextValue;
  // Plain text: a key's name must not be read as Markdown.
  item.tooltip = row.tooltip.join("\n");
  item.accessibilityInformation = { label: row.accessibilityLabel };
  return item;
}
