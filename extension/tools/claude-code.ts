import { join } from "node:path";
import { quoteForShell } from "../key-helper/shell-quote.ts";
import { findTool, folderOf } from "./find-tool.ts";
import type { Setting } from "./settings.ts";
import { createStrictJson } from "./json-file.ts";
import { askTheHelperNext, defineTool, nowhere } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

const folderNamed = (deps: ToolSetupDeps) => folderOf(deps.env["CLAUDE_CONFIG_DIR"]);
const folder = (deps: ToolSetupDeps): string => folderNamed(deps) ?? join(deps.home, ".claude");

/** Claude Code's user settings, which its command line and its VS Code extension share. */
export const claudeCode = defineTool({
  id: "claude-code",
  label: "Claude Code",
  proof: { package: "@anthropic-ai/claude-code", versions: ["2.1.330"] },
  find: (deps) =>
    findTool(deps, {
      program: "claude",
      programFolders: [join(".local", "bin")],
      extensions: ["anthropic.claude-code"],
      folder: folder(deps),
    }),
  notFound: nowhere,
  rereadsKey: true,
  next: askTheHelperNext,
  files(deps) {
    const file = join(folder(deps), "settings.json");
    const settings = createSettings(deps);
    return [
      {
        file,
        folder: folderNamed(deps),
        format: createStrictJson(file),
        moving: [["apiKeyHelper"], ["env", "ANTHROPIC_BASE_URL"]],
        wanted: () => settings,
      },
    ];
  },
});

/**
 * The two blanks keep a person's own Anthropic key and token, set in their shell, from being sent to OpenRouter.
 * Anthropic's clients append `/v1` themselves, so the base address is one step shorter.
 */
function createSettings({ helperCommand, openRouterUrl, platform }: ToolSetupDeps): readonly Setting[] {
  const helper = platform === "win32" ? quoteForCmd(helperCommand) : quoteForShell(helperCommand);
  return [
    { path: ["apiKeyHelper"], value: helper },
    { path: ["env", "ANTHROPIC_BASE_URL"], value: openRouterUrl.replace(/\/v1$/, "") },
    { path: ["env", "ANTHROPIC_API_KEY"], value: "" },
    { path: ["env", "ANTHROPIC_AUTH_TOKEN"], value: "" },
    { path: ["env", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"], value: "1" },
  ];
}

/** On Windows cmd runs the helper: a path with a blank or one of cmd's own characters needs quotes inside the string. */
function quoteForCmd(path: string): string {
  return /[\s&()^;,=!'`+~@[\]{}]/.test(path) ? `"${path}"` : path;
}
