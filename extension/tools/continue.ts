import { join } from "node:path";
import { createKeyFile } from "./env-file.ts";
import { findTool, folderOf } from "./find-tool.ts";
import { keeping } from "./settings.ts";
import type { JsonObject, Path, Setting } from "./settings.ts";
import { defineTool, keyInFileNext, noticeOf, nowhere } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";
import { createYaml } from "./yaml-file.ts";

/** A name of ours alone, so that no variable of the person's own is sent in the key's place. */
const variable = "OPENROUTER_KEYS_CONTINUE";
const model = "anthropic/claude-sonnet-4.5";
const name = "OpenRouter Sonnet";
const entry: Path = ["models", { item: { name } }];

const folderNamed = (deps: ToolSetupDeps) => folderOf(deps.env["CONTINUE_GLOBAL_DIR"]);
const folder = (deps: ToolSetupDeps): string => folderNamed(deps) ?? join(deps.home, ".continue");
const envFile = (deps: ToolSetupDeps): string => join(folder(deps), ".env");

/** Continue takes its key from a `.env` in its own folder. It knows no command for a key. */
export const continueTool = defineTool({
  id: "continue",
  label: "Continue",
  proof: { package: "@continuedev/cli", versions: ["1.5.47"] },
  find: (deps) => findTool(deps, { program: "cn", extensions: ["Continue.continue"], folder: folder(deps) }),
  notFound: nowhere,
  notice: (deps) => noticeOf(envFile(deps)),
  next: {
    ...keyInFileNext,
    afterApply: `In Continue, choose the model “${name}”; in VS Code, reload the window first.`,
  },
  files(deps) {
    const config = join(folder(deps), "config.yaml");
    return [
      createKeyFile(envFile(deps), folderNamed(deps), variable),
      {
        file: config,
        folder: folderNamed(deps),
        format: createYaml(config),
        moving: [entry],
        wanted: (current) => createSettings(current, deps.openRouterUrl),
      },
    ];
  },
});

function createSettings(current: JsonObject, apiBase: string): readonly Setting[] {
  return [
    keeping(current, ["name"], "My Assistant"),
    keeping(current, ["version"], "1.0.0"),
    keeping(current, ["schema"], "v1"),
    {
      path: entry,
      value: {
        name,
        provider: "openrouter",
        model,
        apiBase,
        apiKey: `\${{ secrets.${variable} }}`,
        roles: ["chat", "edit", "apply"],
      },
    },
  ];
}
