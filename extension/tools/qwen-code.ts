import { join } from "node:path";
import { createKeyFile } from "./env-file.ts";
import { findTool, folderOf } from "./find-tool.ts";
import { createJsonWithComments } from "./json-file.ts";
import { valueAt } from "./settings.ts";
import type { JsonObject, Path, Setting } from "./settings.ts";
import { defineTool, keyInFileNext, noticeOf, nowhere } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

/** A name of ours alone: a variable of the person's shell would win over the file, and be sent in the key's place. */
const variable = "OPENROUTER_KEYS_QWEN";
const model = "qwen/qwen3-coder";

const provider: Path = ["modelProviders", "openai", { item: { envKey: variable } }];

const folderNamed = (deps: ToolSetupDeps) => folderOf(deps.env["QWEN_HOME"]);
const folder = (deps: ToolSetupDeps): string => folderNamed(deps) ?? join(deps.home, ".qwen");
const envFile = (deps: ToolSetupDeps): string => join(folder(deps), ".env");

/** Qwen Code knows no command for a key, so that the key stands in the `.env` of its own folder. */
export const qwenCode = defineTool({
  id: "qwen-code",
  label: "Qwen Code",
  proof: { package: "@qwen-code/qwen-code", versions: ["0.24.4"] },
  find: (deps) =>
    findTool(deps, {
      program: "qwen",
      extensions: ["qwenlm.qwen-code-vscode-ide-companion"],
      folder: folder(deps),
    }),
  notFound: nowhere,
  notice: (deps) => noticeOf(envFile(deps)),
  next: keyInFileNext,
  files(deps) {
    const settings = join(folder(deps), "settings.json");
    return [
      createKeyFile(envFile(deps), folderNamed(deps), variable),
      {
        file: settings,
        folder: folderNamed(deps),
        format: createJsonWithComments(settings),
        moving: [provider],
        wanted: (current) => createSettings(current, deps.openRouterUrl),
      },
    ];
  },
});

function createSettings(current: JsonObject, baseUrl: string): readonly Setting[] {
  const ours = { id: model, name: "Qwen Coder via OpenRouter", baseUrl, envKey: variable };
  const chosen = valueAt(current, ["model", "name"]);
  const isSetUp = valueAt(current, provider) !== undefined;
  return [
    { path: provider, value: ours },
    { path: ["security", "auth", "selectedType"], value: "openai" },
    // Of several models at OpenRouter the person chooses.
    { path: ["model", "name"], value: isSetUp && typeof chosen === "string" ? chosen : model },
  ];
}
