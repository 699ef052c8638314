import { createHash } from "node:crypto";

import type * as vscode from "vscode";

import type { SecretStore } from "../base/secret-store.ts";
import type { UndoStore } from "../tools/tool.ts";

/** The editor's secret storage: encrypted by the system where it can, shared by all windows. */
export function createSecretStore(storage: vscode.SecretStorage): SecretStore {
  return {
    keys: () => storage.keys(),
    get: (key) => storage.get(key),
    store: (key, value) => storage.store(key, value),
    delete: (key) => storage.delete(key),
    onDidChange: (listener) => storage.onDidChange(listener),
  };
}

export interface ToolUndoStore extends UndoStore {
  /** True when some tool on this machine was set up by us. */
  hasAny(): Promise<boolean>;
  /** The ids of the tools on this machine that were set up by us. */
  toolIds(): Promise<readonly string[]>;
}

/**
 * What the tools' set-up needs to undo itself. The secret storage follows the person to every remote machine, and
 * the tools do not: `machine` tells them apart.
 */
export function createToolUndoStore(store: SecretStore, machine: string): ToolUndoStore {
  const prefix = `tool-undo ${createHash("sha256").update(machine).digest("base64url").slice(0, 16)} `;
  const toolIds = async (): Promise<readonly string[]> =>
    (await store.keys()).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  return {
    toolIds,
    get: async (toolId) => store.get(prefix + toolId),
    put: async (toolId, json) => {
      await store.store(prefix + toolId, json);
    },
    delete: async (toolId) => {
      await store.delete(prefix + toolId);
    },
    hasAny: async () => (await toolIds()).length > 0,
  };
}
