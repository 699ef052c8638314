import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import type { Log } from "../base/log.ts";
import { type CommandId, commandIds } from "../manifest.ts";
import type { Dialogs } from "./dialogs.ts";
import { runCommand } from "./run-command.ts";

/** What each command does; `argument` is whatever the caller passed. */
export type Commands = { readonly [Id in CommandId]: (argument: unknown) => Promise<void> };

/** Registers every command through the one wrapper; nobody else calls registerCommand. */
export function registerCommands(
  deps: { readonly dialogs: Dialogs; readonly log: Log },
  commands: Commands,
): Disposable {
  return vscode.Disposable.from(
    ...commandIds.map((id) =>
      vscode.commands.registerCommand(id, (argument: unknown) => runCommand(deps, id, () => commands[id](argument))),
    ),
  );
}
