import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import type { Log } from "../base/log.ts";
import { type AdminCommandId, adminCommandIds, type CommandId, commandIds } from "../manifest.ts";
import type { Dialogs } from "./dialogs.ts";
import { runCommand } from "./run-command.ts";

/** What each command does; `argument` is whatever the caller passed. */
export type Commands = { readonly [Id in Exclude<CommandId, AdminCommandId>]: (argument: unknown) => Promise<void> };

/** Registers every command through the one wrapper; nobody else calls registerCommand. */
export function registerCommands(
  deps: { readonly dialogs: Dialogs; readonly log: Log },
  commands: Commands,
  runAdmin: (id: AdminCommandId, argument: unknown) => Promise<void>,
): Disposable {
  const isOfAdmins = (id: CommandId): id is AdminCommandId => adminCommandIds.some((known) => known === id);
  return vscode.Disposable.from(
    ...commandIds.map((id) =>
      vscode.commands.registerCommand(id, (argument: unknown) =>
        runCommand(deps, id, () => (isOfAdmins(id) ? runAdmin(id, argument) : commands[id](argument))),
      ),
    ),
  );
}
