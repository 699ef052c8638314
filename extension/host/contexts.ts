import * as vscode from "vscode";

import { contextDefaults, type Contexts } from "../manifest.ts";

/** The only way to a `when` clause, typed by the manifest. Says each value once. */
export function createContexts(): { readonly set: (contexts: Partial<Contexts>) => void } {
  const said = new Map<string, unknown>();
  const set = (contexts: Partial<Contexts>): void => {
    for (const [key, value] of Object.entries(contexts)) {
      if (said.get(key) === value) continue;
      said.set(key, value);
      void vscode.commands.executeCommand("setContext", key, value);
    }
  };
  set(contextDefaults);
  return { set };
}
