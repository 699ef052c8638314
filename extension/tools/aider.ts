import { join } from "node:path";
import { createKeyFile } from "./env-file.ts";
import { findTool } from "./find-tool.ts";
import { valueAt } from "./settings.ts";
import type { JsonObject, Setting } from "./settings.ts";
import { defineTool, noticeOf } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";
import { createYaml } from "./yaml-file.ts";

const model = "openrouter/anthropic/claude-sonnet-4.5";

/** Where aider itself keeps a key of OpenRouter's. It wins over the shell, and no other program reads it. */
const keyFile = (deps: ToolSetupDeps): string => join(deps.home, ".aider", "oauth-keys.env");

/** aider knows no command for a key, so that the key stands in its own file of keys. */
export const aider = defineTool({
  id: "aider",
  label: "aider",
  proof: { missing: "a Python program" },
  find: (deps) =>
    findTool(deps, { program: "aider", programFolders: [join(".local", "bin")], folder: join(deps.home, ".aider") }),
  notFound: "Its command line was not found. Install aider and try again.",
  notice: (deps) => noticeOf(keyFile(deps)),
  next: {
    afterApply: "Start aider anew to use it; a key in a project's own .env still wins there.",
    afterUndo: "Start aider anew.",
  },
  files(deps) {
    const config = join(deps.home, ".aider.conf.yml");
    return [
      createKeyFile(keyFile(deps), undefined, "OPENROUTER_API_KEY", { OPENROUTER_API_BASE: deps.openRouterUrl }),
      { file: config, folder: undefined, format: createYaml(config), moving: [], wanted: createSettings },
    ];
  },
});

function createSettings(current: JsonObject): readonly Setting[] {
  const chosen = valueAt(current, ["model"]);
  // Of OpenRouter's models the person chooses.
  const isChosen = typeof chosen === "string" && chosen.startsWith("openrouter/");
  return [{ path: ["model"], value: isChosen ? chosen : model }];
}
