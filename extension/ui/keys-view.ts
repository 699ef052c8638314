import * as vscode from "vscode";

import { ago } from "../base/ago.ts";
import type { Disposable } from "../base/emitter.ts";
import { groupKeys, type KeyGroup } from "../keys/key-groups.ts";
import { type KeyRow, keyRow, keyTooltip } from "../keys/key-row.ts";
import { type KeyRing, type KeyRingState, previousOf, type ReadyKeys } from "../keys/key-ring.ts";
import { keysViewId } from "../manifest.ts";
import { pollWhileVisible } from "./poll-while-visible.ts";

/** A row as commands get it; `change-key.ts` reads `keyId`. */
interface KeyElement {
  readonly keyId: string;
  readonly row: KeyRow;
  /** As of when it is asked for: the age of what was seen is in it. */
  readonly tooltip: () => readonly string[];
}

interface GroupElement {
  readonly group: Omit<KeyGroup, "keys">;
  readonly children: readonly KeyElement[];
}

type Element = KeyElement | GroupElement;

export interface KeysView extends Disposable {
  reveal(): Promise<void>;
}

interface KeysViewDeps {
  readonly ring: KeyRing;
  readonly toolLabels: () => Promise<readonly string[]>;
  readonly now: () => number;
}

/** The owned keys. Asks the function only while somebody can see them. */
export function createKeysView({ ring, toolLabels, now }: KeysViewDeps): KeysView {
  const treeChanges = new vscode.EventEmitter<void>();
  let labels: readonly string[] = [];
  const view = vscode.window.createTreeView<Element>(keysViewId, {
    treeDataProvider: {
      onDidChangeTreeData: treeChanges.event,
      getChildren: (element) => {
        if (element === undefined) return elementsOf(ring.current, labels, now);
        return "group" in element ? [...element.children] : [];
      },
      getTreeItem: (element) => ("group" in element ? toGroupItem(element) : toKeyItem(element)),
      resolveTreeItem: (item, element) => {
        if ("row" in element) item.tooltip = markdownOf(element.tooltip());
        return item;
      },
    },
  });

  const show = async (state: KeyRingState): Promise<void> => {
    view.message = messageOf(state, now());
    labels = await toolLabels().catch(() => []);
    treeChanges.fire();
  };
  const subscriptions = [ring.onDidChange((state) => void show(state)), pollWhileVisible(view, ring.poll)];

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

function messageOf(state: KeyRingState, now: number): string {
  if (state.kind === "failed" && state.previous !== undefined) {
    const age = ago(now - Date.parse(state.previous.asOf));
    return vscode.l10n.t("Not up to date, last seen {0}. {1}", age, state.message);
  }
  if (state.kind !== "ready" || state.complete) return "";
  return vscode.l10n.t("OpenRouter could not be asked about every key.");
}

function elementsOf(state: KeyRingState, toolLabels: readonly string[], now: () => number): Element[] {
  const ready = previousOf(state);
  if (ready === undefined) return [];
  const toElement = elementIn(ready, toolLabels, now);
  const { own, groups } = groupKeys(ready.keys);
  return [...own.map(toElement), ...groups.map(({ keys, ...group }) => ({ group, children: keys.map(toElement) }))];
}

function elementIn({ asOf, storedIds, toolsKeyId }: ReadyKeys, toolLabels: readonly string[], now: () => number) {
  return (key: ReadyKeys["keys"][number]): KeyElement => {
    const facts = {
      isToolsKey: key.id === toolsKeyId,
      isStored: storedIds.has(key.id),
    };
    return {
      keyId: key.id,
      row: keyRow(key, { ...facts, now: now() }),
      tooltip: () => keyTooltip(key, { ...facts, toolLabels, spendAsOf: asOf, now: now() }),
    };
  };
}

function toGroupItem({ group, children }: GroupElement): vscode.TreeItem {
  const { Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(group.label, group.isOpenAtFirst ? Expanded : Collapsed);
  item.id = group.id;
  item.description = String(children.length);
  item.contextValue = "group";
  item.accessibilityInformation = { label: group.accessibilityLabel };
  return item;
}

function toKeyItem({ row }: KeyElement): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, vscode.TreeItemCollapsibleState.None);
  item.id = row.id;
  item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(row.icon, new vscode.ThemeColor(row.color));
  item.contextValue = row.contextValue;
  item.accessibilityInformation = { label: row.accessibilityLabel };
  return item;
}

/** Appended as text: a key's name must not be read as Markdown. */
function markdownOf([name = "", ...lines]: readonly string[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString("**").appendText(name).appendMarkdown("**");
  for (const line of lines) text.appendMarkdown("\n\n").appendText(line);
  return text;
}
