import { join } from "node:path";
import type { FileRecipe } from "./configured-file.ts";
import { findTool, folderOf } from "./find-tool.ts";
import { createStrictJson } from "./json-file.ts";
import { keeping } from "./settings.ts";
import type { JsonObject, Setting } from "./settings.ts";
import { defineTool, keyInFileNext, noticeOf, nowhere } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

const model = "anthropic/claude-sonnet-4.5";
const settings = ["providers", "openrouter", "settings"] as const;
const extensions = ["saoudrizwan.claude-dev", "saoudrizwan.cline-nightly"];

function folderNamed({ env }: ToolSetupDeps): string | undefined {
  const parent = folderOf(env["CLINE_DIR"]);
  return folderOf(env["CLINE_DATA_DIR"]) ?? (parent && join(parent, "data"));
}

const folder = (deps: ToolSetupDeps): string => folderNamed(deps) ?? join(deps.home, ".cline", "data");
const providers = (deps: ToolSetupDeps): string => join(folder(deps), "settings", "providers.json");
const secrets = (deps: ToolSetupDeps): string => join(folder(deps), "secrets.json");

/** The older half of the extension knows no other address than OpenRouter's own, and must not send the key there unasked. */
function hasOlderHalf({ extensionFolder, openRouterUrl }: ToolSetupDeps): boolean {
  return extensions.some((id) => extensionFolder(id) !== undefined) && openRouterUrl === "https://openrouter.ai/api/v1";
}

/**
 * Cline's providers, which its command line and its extensions share, and the two files of the older program that its
 * extension also brings, and runs for some. It knows no command for a key.
 */
export const cline = defineTool({
  id: "cline",
  label: "Cline",
  proof: { package: "cline", program: "@cline/cli-linux-x64", versions: ["3.0.65"] },
  find: (deps) => findTool(deps, { program: "cline", extensions, folder: join(deps.home, ".cline") }),
  notFound: nowhere,
  notice: (deps) => noticeOf(hasOlderHalf(deps) ? `${providers(deps)} and ${secrets(deps)}` : providers(deps)),
  next: keyInFileNext,
  files(deps) {
    const file = providers(deps);
    return [
      {
        file,
        folder: folderNamed(deps),
        format: createStrictJson(file),
        moving: [
          [...settings, "apiKey"],
          [...settings, "baseUrl"],
        ],
        holdsKey: true,
        wanted: (current, key) => createSettings(current, key, deps.openRouterUrl),
      },
      ...olderFiles(deps),
    ];
  },
});

function olderFiles(deps: ToolSetupDeps): readonly FileRecipe[] {
  const common = { folder: folderNamed(deps), isWanted: hasOlderHalf(deps) };
  const state = join(folder(deps), "globalState.json");
  return [
    {
      ...common,
      file: secrets(deps),
      name: "secrets",
      format: createStrictJson(secrets(deps)),
      moving: [["openRouterApiKey"]],
      holdsKey: true,
      wanted: (_, key) => [{ path: ["openRouterApiKey"], value: key, isSecret: true }],
    },
    {
      ...common,
      file: state,
      name: "state",
      format: createStrictJson(state),
      moving: [],
      wanted: (current) => [
        ...["plan", "act"].flatMap((mode) => [
          { path: [`${mode}ModeApiProvider`], value: "openrouter" },
          keeping(current, [`${mode}ModeOpenRouterModelId`], model),
        ]),
        { path: ["welcomeViewCompleted"], value: true },
      ],
    },
  ];
}

/** Cline takes the whole file as empty when one of the values that it asks for is missing. */
function createSettings(current: JsonObject, key: string | undefined, baseUrl: string): readonly Setting[] {
  return [
    keeping(current, ["version"], 1),
    { path: ["lastUsedProvider"], value: "openrouter" },
    keeping(current, ["modes"], {}),
    { path: [...settings, "provider"], value: "openrouter" },
    { path: [...settings, "apiKey"], value: key, isSecret: true },
    keeping(current, [...settings, "model"], model),
    { path: [...settings, "baseUrl"], value: baseUrl },
    // Cline writes the time of its own changes there; which one it is decides nothing.
    { ...keeping(current, ["providers", "openrouter", "updatedAt"], "2026-01-01T00:00:00.000Z"), isVolatile: true },
    keeping(current, ["providers", "openrouter", "tokenSource"], "manual"),
  ];
}
