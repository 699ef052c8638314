import * as vscode from "vscode";

import type { LiveReading } from "../keys/live-spend.ts";
import { usd } from "../keys/wording.ts";
import type { CommandId } from "../manifest.ts";
import type { Dialogs } from "./dialogs.ts";

interface Alert {
  readonly keyId: string;
  readonly name: string | undefined;
  readonly percent: number;
  readonly reading: LiveReading;
}

/** Says that a key comes near its limit, and what can be done. Never rejects: the commands say what goes wrong. */
export async function tellAlert(dialogs: Dialogs, { keyId, name, percent, reading }: Alert): Promise<void> {
  const actions: Readonly<Record<string, string>> = {
    [vscode.l10n.t("Ask for More")]: "openrouterKeys.requestRaise",
    [vscode.l10n.t("Rotate")]: "openrouterKeys.rotateKey" satisfies CommandId,
  };
  // What is not there cannot be offered.
  const known = new Set(await vscode.commands.getCommands(true));
  const buttons = Object.keys(actions).filter((button) => known.has(actions[button] ?? ""));
  const key = name === undefined ? vscode.l10n.t("The key of your coding tools") : vscode.l10n.t("The key “{0}”", name);
  const amount = `${usd(reading.windowUsd)} of ${usd(reading.limitUsd ?? 0)}`;
  const message = vscode.l10n.t("{0} has reached {1} % of its limit: {2}.", key, percent, amount);
  const pressed = await dialogs.warn(message, ...buttons);
  const command = pressed === undefined ? undefined : actions[pressed];
  if (command !== undefined) await vscode.commands.executeCommand(command, { keyId });
}
