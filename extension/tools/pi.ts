import { join } from "node:path";
import { quoteForShell } from "../key-helper/shell-quote.ts";
import { findTool, folderOf } from "./find-tool.ts";
import { createStrictJson } from "./json-file.ts";
import { defaultModel } from "./key-plugin.ts";
import { valueAt } from "./settings.ts";
import { askTheHelperNext, defineTool } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

const folderNamed = (deps: ToolSetupDeps) => folderOf(deps.env["PI_CODING_AGENT_DIR"]);
const folder = (deps: ToolSetupDeps): string => folderNamed(deps) ?? join(deps.home, ".pi", "agent");

/** pi: its key store runs a command that begins with "!". */
export const pi = defineTool({
  id: "pi",
  label: "pi",
  proof: { package: "@mariozechner/pi-coding-agent", versions: ["0.73.1"] },
  find: (deps) => findTool(deps, { program: "pi", folder: folder(deps) }),
  notFound: "Its command line was not found. Install pi and try again.",
  next: askTheHelperNext,
  files(deps) {
    const { helperCommand, platform } = deps;
    const command = platform === "win32" ? `"${helperCommand}"` : quoteForShell(helperCommand);
    const fileOf = (name: string) => {
      const file = join(folder(deps), name);
      return { file, folder: folderNamed(deps), format: createStrictJson(file) };
    };
    return [
      {
        ...fileOf("auth.json"),
        moving: [["openrouter"]],
        // As a whole: a sign-in that the person had there holds other values.
        // And where the command fails pi would take a variable of the person's own: a word that is no key prevents it.
        wanted: () => [
          { path: ["openrouter"], value: { type: "api_key", key: `!${command} || echo no-key-open-vs-code` } },
        ],
      },
      {
        ...fileOf("models.json"),
        name: "models",
        moving: [["providers", "openrouter", "baseUrl"]],
        wanted: () => [{ path: ["providers", "openrouter", "baseUrl"], value: deps.openRouterUrl }],
      },
      {
        ...fileOf("settings.json"),
        name: "settings",
        moving: [],
        wanted: (current) => {
          const isChosen = valueAt(current, ["defaultProvider"]) === "openrouter";
          const model = valueAt(current, ["defaultModel"]);
          return [
            { path: ["defaultProvider"], value: "openrouter" },
            { path: ["defaultModel"], value: isChosen && typeof model === "string" ? model : defaultModel },
          ];
        },
      },
    ];
  },
});
