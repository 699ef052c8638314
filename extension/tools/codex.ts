import { basename, join } from "node:path";
import { createCodexFormat } from "./codex-config.ts";
import { chooseCodexProgram, findCodexPrograms } from "./codex-program.ts";
import { folderOf } from "./find-tool.ts";
import { valueAt } from "./settings.ts";
import type { JsonObject, Setting } from "./settings.ts";
import { askTheHelperNext, defineTool, nowhere } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

const provider = ["model_providers", "openrouter"] as const;

/** Other ways to a key, which Codex refuses or prefers beside the helper. */
const otherKeys = ["env_key", "env_key_instructions", "experimental_bearer_token", "requires_openai_auth"] as const;

/** Codex's user configuration, which its command line, its desktop program and its VS Code extension share. */
export const codex = defineTool({
  id: "codex",
  label: "Codex",
  proof: { package: "@openai/codex", versions: ["0.169.0"] },
  async find(deps, signal) {
    const programs = await findCodexPrograms(deps);
    if (programs.length === 0) return undefined;
    const { path, version } = await chooseCodexProgram(programs, deps, signal);
    return `Version ${version}, found at ${path}.`;
  },
  notFound: nowhere,
  rereadsKey: true,
  next: askTheHelperNext,
  files(deps) {
    const folder = folderOf(deps.env["CODEX_HOME"]);
    const file = join(folder ?? join(deps.home, ".codex"), "config.toml");
    const program = async (signal?: AbortSignal): Promise<string> =>
      (await chooseCodexProgram(await findCodexPrograms(deps), deps, signal)).path;
    return [
      {
        file,
        folder,
        format: createCodexFormat(file, program, deps),
        mark: basename(deps.helperCommand),
        moving: [
          [...provider, "auth"],
          [...provider, "base_url"],
        ],
        wanted: (current) => createSettings(current, deps),
      },
    ];
  },
});

function createSettings(current: JsonObject, { helperCommand, openRouterUrl }: ToolSetupDeps): readonly Setting[] {
  const model = valueAt(current, ["model"]);
  // A model that the person chose from OpenRouter's own names stays.
  const isOpenRouterModel =
    valueAt(current, ["model_provider"]) === "openrouter" && typeof model === "string" && model.includes("/");
  return [
    { path: ["model"], value: isOpenRouterModel ? model : "~openai/gpt-latest" },
    { path: ["model_provider"], value: "openrouter" },
    { path: [...provider, "name"], value: "OpenRouter" },
    { path: [...provider, "base_url"], value: openRouterUrl },
    { path: [...provider, "wire_api"], value: "responses" },
    { path: [...provider, "auth"], value: { command: helperCommand, args: [] } },
    ...otherKeys.map((name) => ({ path: [...provider, name], value: undefined })),
  ];
}
