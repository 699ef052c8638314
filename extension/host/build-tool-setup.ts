import { homedir } from "node:os";

import * as vscode from "vscode";

import { createToolSetup, type ToolSetup } from "../tools/tool-setup.ts";
import type { ToolSetupDeps } from "../tools/tool.ts";
import { createTerminalVariables } from "./terminal-variables.ts";

/** The set-up on this machine: a part of its own, since most starts of the editor set up no tool. */
export function buildToolSetup(
  given: Pick<ToolSetupDeps, "helperCommand" | "openRouterUrl" | "readKey" | "undoStore" | "log">,
  collection: vscode.EnvironmentVariableCollection,
): ToolSetup {
  return createToolSetup({
    ...given,
    home: homedir(),
    env: process.env,
    platform: process.platform,
    extensionFolder: (id) => vscode.extensions.getExtension(id)?.extensionPath,
    extensionApi: async (id) => vscode.extensions.getExtension<unknown>(id)?.activate(),
    terminals: createTerminalVariables(collection),
  });
}
