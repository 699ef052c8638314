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
}

/** Names a person's home on a machine, in what the editor keeps for all of them. */
export function machineMark(hostname: string, home: string): string {
  return createHash("sha256").update(`${hostname} ${home}`).digest("base64url").slice(0, 16);
}

/**
 * What the tools' set-up needs to undo itself. The secret storage follows the person to every remote machine, and
 * the tools do not: `machine` tells them apart.
 */
export function createToolUndoStore(store: SecretStore, machine: string): ToolUndoStore {
  const prefix = `tool-undo ${machine} `;
  return {
    get: async (toolId) => store.get(prefix + toolId),
    put: async (toolId, json) => {
      await store.store(prefix + toolId, json);
    },
    delete: async (toolId) => {
      await store.delete(prefix + toolId);
    },
    hasAny: async () => (await store.keys()).some((key) => key.startsWith(prefix)),
  };
}
