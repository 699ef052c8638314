import { join } from "node:path";
import { quoteForShell } from "../key-helper/shell-quote.ts";
import { findTool, folderOf } from "./find-tool.ts";
import { defaultModel } from "./key-plugin.ts";
import { createTerminalPlace } from "./terminal-variables.ts";
import { defineTool } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

const folder = (deps: ToolSetupDeps): string => folderOf(deps.env["COPILOT_HOME"]) ?? join(deps.home, ".copilot");

/** GitHub Copilot's command line: it takes another provider from variables alone, and runs a command for the key. */
export const copilotCli = defineTool({
  id: "copilot-cli",
  label: "GitHub Copilot CLI",
  proof: { package: "@github/copilot", program: "@github/copilot-linux-x64", versions: ["1.0.102"] },
  find: (deps) => findTool(deps, { program: "copilot", folder: folder(deps) }),
  notFound: "Its command line was not found. Install GitHub Copilot CLI and try again.",
  isOptIn: true,
  rereadsKey: true,
  notice: () => "In VS Code's terminals it then uses this key in place of your Copilot subscription.",
  next: {
    afterApply: "Open a new terminal in VS Code to use it there. It works while VS Code is open.",
    afterUndo: "Open a new terminal in VS Code.",
  },
  files: () => [],
  places: (deps) => [createTerminalPlace("copilot-cli", variablesOf(deps), deps)],
});

/**
 * The blanks keep what the person has in their shell from being sent to OpenRouter: a token there wins over the command,
 * and headers may carry another key.
 */
function variablesOf({ helperCommand, openRouterUrl, platform }: ToolSetupDeps): Readonly<Record<string, string>> {
  return {
    COPILOT_PROVIDER_BASE_URL: openRouterUrl,
    COPILOT_PROVIDER_TYPE: "openai",
    COPILOT_PROVIDER_API_KEY_COMMAND: platform === "win32" ? `"${helperCommand}"` : quoteForShell(helperCommand),
    COPILOT_PROVIDER_API_KEY: "",
    COPILOT_PROVIDER_BEARER_TOKEN: "",
    COPILOT_PROVIDER_HEADERS: "",
    COPILOT_MODEL: defaultModel,
  };
}
