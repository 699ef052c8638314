import * as vscode from "vscode";

import { type AddressReading, readFunctionAddress, readOpenRouterUrl } from "../account/function-address.ts";
import type { Disposable } from "../base/emitter.ts";
import { type ExpiryMode, expiryModes, type SettingId, settingIds } from "../manifest.ts";

export interface Settings {
  readonly functionAddress: () => AddressReading;
  readonly openRouterUrl: () => AddressReading;
  /** Writes the person's own setting. */
  readonly setFunctionUrl: (base: string) => Promise<void>;
  readonly rotateExpiringKeys: () => ExpiryMode;
  readonly setRotateExpiringKeys: (mode: ExpiryMode) => Promise<void>;
  /** The person wants OpenRouter's models in the editor's chat. */
  readonly isChatOn: () => boolean;
  readonly setChatOn: (isOn: boolean) => Promise<void>;
  /** Ids of models, with `*` for anything. */
  readonly chatModels: () => readonly string[];
  readonly onDidChange: (listener: (id: SettingId) => void) => Disposable;
}

/**
 * Reads the person's own settings only. All have the scope `application`; taking the user value by itself holds
 * even where an editor would let a workspace or a container answer: whoever sets the address gets the session.
 */
function rawUserValue(id: SettingId): unknown {
  const inspected = vscode.workspace.getConfiguration().inspect<unknown>(id);
  return inspected?.globalValue ?? inspected?.defaultValue;
}

function userValue(id: SettingId): string {
  const value = rawUserValue(id);
  // A number or a list is no address either, and is to be said to be none instead of passing for an empty setting.
  return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
}

export const settings: Settings = {
  functionAddress: () => readFunctionAddress(userValue("openrouterKeys.functionUrl")),
  openRouterUrl: () => readOpenRouterUrl(userValue("openrouterKeys.openRouterUrl")),
  setFunctionUrl: async (base) => {
    const id = "openrouterKeys.functionUrl" satisfies SettingId;
    await vscode.workspace.getConfiguration().update(id, base, vscode.ConfigurationTarget.Global);
  },
  rotateExpiringKeys: () => {
    const text = userValue("openrouterKeys.rotateExpiringKeys");
    return expiryModes.find((mode) => mode === text) ?? "ask";
  },
  setRotateExpiringKeys: async (mode) => {
    const id = "openrouterKeys.rotateExpiringKeys" satisfies SettingId;
    await vscode.workspace.getConfiguration().update(id, mode, vscode.ConfigurationTarget.Global);
  },
  isChatOn: () => rawUserValue("openrouterKeys.chat.enabled") === true,
  setChatOn: async (isOn) => {
    const id = "openrouterKeys.chat.enabled" satisfies SettingId;
    await vscode.workspace.getConfiguration().update(id, isOn, vscode.ConfigurationTarget.Global);
  },
  chatModels: () => {
    const value = rawUserValue("openrouterKeys.chat.models");
    return Array.isArray(value) ? value.filter((id) => typeof id === "string" && id.trim() !== "") : [];
  },
  onDidChange: (listener) =>
    vscode.workspace.onDidChangeConfiguration((change) => {
      for (const id of settingIds) if (change.affectsConfiguration(id)) listener(id);
    }),
};
