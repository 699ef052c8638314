import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import type { RaiseList } from "../keys/raise-list.ts";
import { type RaiseRow, raiseRows } from "../keys/raise-row.ts";
import { raisesViewId } from "../manifest.ts";

/** The person's own raises. `setHasAny`: the view is there only while there is something in it. */
export function createRaisesView(list: RaiseList, now: () => number, setHasAny: (hasAny: boolean) => void): Disposable {
  const changes = new vscode.EventEmitter<void>();
  const rows = (): readonly RaiseRow[] => raiseRows(list.current, now());
  const view = vscode.window.createTreeView<RaiseRow>(raisesViewId, {
    treeDataProvider: {
      onDidChangeTreeData: changes.event,
      getChildren: (row) => (row === undefined ? [...rows()] : []),
      getTreeItem: toTreeItem,
    },
  });
  const show = (): void => {
    setHasAny(rows().length > 0);
    changes.fire();
  };
  const subscription = list.onDidChange(show);
  show();
  return {
    dispose: () => {
      subscription.dispose();
      view.dispose();
      changes.dispose();
    },
  };
}

function toTreeItem(row: RaiseRow): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState.None);
  item.id = row.id;
  item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(row.icon, new vscode.ThemeColor(row.color));
  // Plain text: a note must not be read as Markdown.
  item.tooltip = row.tooltip.join("\n");
  item.accessibilityInformation = { label: row.accessibilityLabel };
  return item;
}
