import { basename, join } from "node:path";
import { createCodexFormat } from "./codex-config.ts";
import { chooseCodexProgram, findCodexPrograms } from "./codex-program.ts";
import { createConfiguredFile } from "./configured-file.ts";
import { valueAt } from "./settings.ts";
import type { JsonObject, Setting } from "./settings.ts";
import { findToolFolder } from "./tool-folder.ts";
import { nextAfterApply, nextAfterUndo } from "./tool.ts";
import type { Tool, ToolSetupDeps } from "./tool.ts";

const provider = ["model_providers", "openrouter"] as const;

/** Other ways to a key, which Codex refuses or prefers beside the helper. */
const otherKeys = ["env_key", "env_key_instructions", "experimental_bearer_token", "requires_openai_auth"] as const;

/** Codex's user configuration, which its command line, its desktop program and its VS Code extension share. */
export function createCodex(deps: ToolSetupDeps): Tool {
  const folder = findToolFolder(deps.env["CODEX_HOME"]);
  const file = join(folder ?? join(deps.home, ".codex"), "config.toml");
  const find = async (signal?: AbortSignal) => chooseCodexProgram(await findCodexPrograms(deps), deps, signal);
  const configured = createConfiguredFile(
    {
      id: "codex",
      file,
      folder,
      format: createCodexFormat(file, async (signal) => (await find(signal)).path, deps),
      mark: basename(deps.helperCommand),
      helperPath: [...provider, "auth"],
      wanted: (current) => createSettings(current, deps),
    },
    deps,
  );

  return {
    id: "codex",
    label: "Codex",
    async detect(signal) {
      if ((await findCodexPrograms(deps)).length === 0) {
        return {
          state: "not-found",
          detail: "Neither its command line nor its VS Code extension was found. Install one and try again.",
        };
      }
      const { path, version } = await find(signal);
      return (await configured.isConfigured(signal))
        ? { state: "configured", detail: `It uses your OpenRouter key, by ${file}.` }
        : { state: "available", detail: `Version ${version}, found at ${path}.` };
    },
    plan: configured.plan,
    apply: async (signal) => ({
      changed: await configured.apply(signal),
      next: nextAfterApply,
    }),
    undo: async (signal) => ({
      changed: await configured.undo(signal),
      next: nextAfterUndo,
    }),
    refresh: configured.refresh,
  };
}

function createSettings(current: JsonObject, { helperCommand, openRouterUrl }: ToolSetupDeps): readonly Setting[] {
  const model = valueAt(current, ["model"]);
  // A model that the person chose from OpenRouter's own names stays.
  const isOpenRouterModel =
    valueAt(current, ["model_provider"]) === "openrouter" && typeof model === "string" && model.includes("/");
  return [
    { path: ["model"], value: isOpenRouterModel ? model : "~openai/gpt-latest" },
    { path: ["model_provider"], value: "openrouter" },
    { path: [...provider, "name"], value: "OpenRouter" },
    { path: [...provider, "base_url"], value: openRouterUrl.replace(/\/+$/, "") },
    { path: [...provider, "wire_api"], value: "responses" },
    { path: [...provider, "auth"], value: { command: helperCommand, args: [] } },
    ...otherKeys.map((name) => ({ path: [...provider, name], value: undefined })),
  ];
}
