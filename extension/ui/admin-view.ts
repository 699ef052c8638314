import * as vscode from "vscode";

import type { MeAnswer } from "../../functions/contract/account.ts";
import type { AdminKey, AuditRecord } from "../../functions/contract/admin.ts";
import { keySection, recordSection } from "../admin/list-rows.ts";
import type { Pages } from "../admin/pages.ts";
import { previousOf, type RunList, type RunListState } from "../admin/run-list.ts";
import { type AdminRow, findRow } from "../admin/rows.ts";
import { people, runRows } from "../admin/run-rows.ts";
import type { ViewMemory } from "../admin/view-memory.ts";
import type { Disposable } from "../base/emitter.ts";
import { adminViewId, type CommandId, type Contexts } from "../manifest.ts";
import { pollWhileVisible } from "./poll-while-visible.ts";

export interface AdminView extends Disposable {
  readonly isVisible: () => boolean;
  /** Shows the view, and in it the run that waits. */
  reveal(): Promise<void>;
  /** The first row that it is about, where there is one. */
  select(isMeant: (row: AdminRow) => boolean): Promise<void>;
  /** Under the view's own progress bar. Rejects as the work does. */
  busy(work: () => Promise<void>): Promise<void>;
  /** The number beside the icon in the activity bar: of what waits for an administrator. */
  setWaiting(me: MeAnswer | undefined): void;
}

interface AdminViewDeps {
  readonly list: RunList;
  readonly keys: Pages<AdminKey>;
  readonly record: Pages<AuditRecord>;
  readonly memory: ViewMemory;
  readonly setState: (state: Contexts["openrouterKeys.adminState"]) => void;
  readonly now: () => number;
}

const commands: Readonly<Record<"retry" | "more", CommandId>> = {
  retry: "openrouterKeys.admin.refresh",
  more: "openrouterKeys.admin.showMore",
};

/** The nightly runs and what waits in them. Asks the function only while somebody can see them. */
export function createAdminView({ list, keys, record, memory, setState, now }: AdminViewDeps): AdminView {
  const treeChanges = new vscode.EventEmitter<void>();
  const { folds, selected } = memory;
  let rows: readonly AdminRow[] = [];
  /** The row that was selected when the window was closed is selected again, once, when it is there. */
  let isRestored = selected.get() === undefined;

  function toTreeItem(row: AdminRow): vscode.TreeItem {
    const { None, Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
    const isOpen = row.isOpen === undefined ? undefined : (folds.get(row.id) ?? row.isOpen);
    const item = new vscode.TreeItem(row.label, isOpen === undefined ? None : isOpen ? Expanded : Collapsed);
    item.id = row.id;
    item.description = row.description;
    if (row.icon !== undefined) {
      item.iconPath = new vscode.ThemeIcon(
        row.icon,
        row.color === undefined ? undefined : new vscode.ThemeColor(row.color),
      );
    }
    item.contextValue = row.contextValue;
    // Plain text: nobody's name must be read as Markdown.
    item.tooltip = row.tooltip.length === 0 ? row.label : row.tooltip.join("\n");
    item.accessibilityInformation = { label: row.accessibilityLabel };
    if (row.does !== undefined) {
      item.command = { command: commands[row.does], title: row.label, arguments: [{ list: row.list }] };
    }
    return item;
  }

  const view = vscode.window.createTreeView<AdminRow>(adminViewId, {
    showCollapseAll: true,
    treeDataProvider: {
      onDidChangeTreeData: treeChanges.event,
      getChildren: (row) => {
        // Unfolded: what is in it is read when somebody wants to see it.
        if (row?.id === "keys") void keys.open();
        if (row?.id === "record") void record.open();
        return [...(row === undefined ? rows : row.children())];
      },
      getParent: (row) => row.parent,
      getTreeItem: toTreeItem,
    },
  });

  const show = (): void => {
    const state = list.current;
    const lists = [keySection(keys.current, memory.filter.get()), recordSection(record.current, now())];
    rows = [...runRows(state, now()), ...(previousOf(state) === undefined ? [] : lists)];
    setState(stateOf(state, rows));
    view.message = messageOf(state);
    treeChanges.fire();
    if (!isRestored && view.visible) void restore();
  };
  const restore = async (): Promise<void> => {
    const row = findRow(rows, ({ id }) => id === selected.get());
    if (row === undefined) return;
    isRestored = true;
    // Without the focus: whoever works in a file goes on there.
    await view.reveal(row, { select: true, focus: false, expand: false });
  };
  const busy = async (work: () => Promise<void>): Promise<void> => {
    await vscode.window.withProgress({ location: { viewId: adminViewId } }, work);
  };
  // The first answer is waited for in sight; what comes later only repaints.
  const poll = (): Promise<void> => (list.current.kind === "loading" ? busy(list.poll) : list.poll());
  const subscriptions = [
    list.onDidChange(show),
    keys.onDidChange(show),
    record.onDidChange(show),
    view.onDidChangeSelection(({ selection: [row] }) => {
      // A row that does something when it is pressed is no place to come back to.
      if (row === undefined || row.does !== undefined) return;
      isRestored = true;
      selected.set(row.id);
    }),
    view.onDidExpandElement(({ element }) => folds.set(element.id, true)),
    view.onDidCollapseElement(({ element }) => folds.set(element.id, false)),
    pollWhileVisible(view, poll),
  ];
  show();

  return {
    isVisible: () => view.visible,
    reveal: async () => {
      await vscode.commands.executeCommand(`${adminViewId}.focus`);
    },
    select: async (isMeant) => {
      const row = findRow(rows, isMeant);
      if (row !== undefined) await view.reveal(row, { select: true, focus: true, expand: true });
    },
    busy,
    setWaiting: (me) => {
      const run = me?.waitingRun?.people;
      const raises = me?.waitingRaises?.count ?? 0;
      const texts = [
        ...(run === undefined ? [] : [vscode.l10n.t("A nightly run with {0} waits for approval", people(run))]),
        ...(raises === 0 ? [] : [vscode.l10n.t("Requests that wait: {0}", raises)]),
      ];
      view.badge =
        texts.length === 0 ? undefined : { value: raises + (run === undefined ? 0 : 1), tooltip: texts.join("\n") };
    },
    dispose: () => {
      for (const subscription of subscriptions) subscription.dispose();
      view.dispose();
      treeChanges.dispose();
    },
  };
}

function stateOf(state: RunListState, rows: readonly AdminRow[]): Contexts["openrouterKeys.adminState"] {
  if (rows.length > 0) return "listed";
  return state.kind === "sign-in" ? state.kind : "loading";
}

function messageOf(state: RunListState): string {
  if (state.kind !== "failed") return "";
  return state.previous === undefined
    ? vscode.l10n.t("What waits for you cannot be shown. {0}", state.message)
    : vscode.l10n.t("Not up to date. {0}", state.message);
}
