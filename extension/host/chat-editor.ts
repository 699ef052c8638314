import * as vscode from "vscode";

import type { ChatOfTheEditor } from "../chat/chat-of-the-editor.ts";

/** Internal, so that it may be missing: it turns the chat on in a profile where nobody has set it up, without an account. */
const setUpCommand = "workbench.action.chat.triggerSetupAnonymousWithoutDialog";

/** The chat that comes with the editor. */
export const chatOfTheEditor: ChatOfTheEditor = {
  isSwitchedOff: () => vscode.workspace.getConfiguration("chat").get<unknown>("disableAIFeatures") === true,
  // The chat's own extension is there, but disabled, until somebody has gone through its set-up.
  needsSetUp: async () =>
    vscode.extensions.getExtension("GitHub.copilot-chat") === undefined &&
    (await vscode.commands.getCommands(true)).includes(setUpCommand),
  setUp: async () => {
    await vscode.commands.executeCommand(setUpCommand);
  },
  open: async () => {
    await vscode.commands.executeCommand("workbench.action.chat.open");
  },
};
