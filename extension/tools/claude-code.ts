import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { quoteForShell } from "../key-helper/shell-quote.ts";
import { createConfiguredFile } from "./configured-file.ts";
import { findPrograms } from "./program.ts";
import { createStrictJson } from "./strict-json.ts";
import { findToolFolder } from "./tool-folder.ts";
import type { Setting } from "./settings.ts";
import { nextAfterApply, nextAfterUndo } from "./tool.ts";
import type { Tool, ToolSetupDeps } from "./tool.ts";

/** Claude Code's user settings, which its command line and its VS Code extension share. */
export function createClaudeCode(deps: ToolSetupDeps): Tool {
  const folder = findToolFolder(deps.env["CLAUDE_CONFIG_DIR"]);
  const file = join(folder ?? join(deps.home, ".claude"), "settings.json");
  const settings = createSettings(deps);
  const configured = createConfiguredFile(
    {
      id: "claude-code",
      file,
      folder,
      format: createStrictJson(file),
      helperPath: ["apiKeyHelper"],
      wanted: () => settings,
    },
    deps,
  );

  async function find(): Promise<string | undefined> {
    const [program] = await findPrograms("claude", deps, [join(deps.home, ".local", "bin")]);
    const inEditor = deps.extensionPaths?.["anthropic.claude-code"];
    if (program !== undefined || inEditor !== undefined) return program ?? inEditor;
    // Its own folder tells of a program that this window's PATH does not reach.
    return stat(dirname(file)).then(
      () => dirname(file),
      () => undefined,
    );
  }

  return {
    id: "claude-code",
    label: "Claude Code",
    async detect(signal) {
      const place = await find();
      if (place === undefined) {
        return {
          state: "not-found",
          detail: "Neither its command line nor its VS Code extension was found. Install one and try again.",
        };
      }
      if (await configured.isConfigured(signal)) {
        return { state: "configured", detail: `It uses your OpenRouter key, by ${file}.` };
      }
      return { state: "available", detail: `Found at ${place}.` };
    },
    plan: configured.plan,
    apply: async (signal) => ({ changed: await configured.apply(signal), next: nextAfterApply }),
    undo: async (signal) => ({
      changed: await configured.undo(signal),
      next: nextAfterUndo,
    }),
    refresh: configured.refresh,
  };
}

/**
 * The two blanks keep a person's own Anthropic key and token, set in their shell, from being sent to OpenRouter.
 * Anthropic's clients append `/v1` themselves, so the base address is one step shorter.
 */
function createSettings({ helperCommand, openRouterUrl, platform }: ToolSetupDeps): readonly Setting[] {
  const helper = platform === "win32" ? quoteForCmd(helperCommand) : quoteForShell(helperCommand);
  return [
    { path: ["apiKeyHelper"], value: helper },
    { path: ["env", "ANTHROPIC_BASE_URL"], value: openRouterUrl.replace(/\/+$/, "").replace(/\/v1$/, "") },
    { path: ["env", "ANTHROPIC_API_KEY"], value: "" },
    { path: ["env", "ANTHROPIC_AUTH_TOKEN"], value: "" },
    { path: ["env", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"], value: "1" },
  ];
}

/** On Windows cmd runs the helper: a path with a blank or one of cmd's own characters needs quotes inside the string. */
function quoteForCmd(path: string): string {
  return /[\s&()^;,=!'`+~@[\]{}]/.test(path) ? `"${path}"` : path;
}
