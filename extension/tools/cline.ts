import { join } from "node:path";
import { findTool, folderOf } from "./find-tool.ts";
import { createStrictJson } from "./json-file.ts";
import { keeping } from "./settings.ts";
import type { JsonObject, Setting } from "./settings.ts";
import { defineTool, keyInFileNext, noticeOf, nowhere } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";

const model = "anthropic/claude-sonnet-4.5";
const settings = ["providers", "openrouter", "settings"] as const;

function folderNamed({ env }: ToolSetupDeps): string | undefined {
  const parent = folderOf(env["CLINE_DIR"]);
  return folderOf(env["CLINE_DATA_DIR"]) ?? (parent && join(parent, "data"));
}

function fileOf(deps: ToolSetupDeps): string {
  return join(folderNamed(deps) ?? join(deps.home, ".cline", "data"), "settings", "providers.json");
}

/** Cline's providers, which its command line and newer versions of its extensions share. It knows no command for a key. */
export const cline = defineTool({
  id: "cline",
  label: "Cline",
  proof: { package: "cline", program: "@cline/cli-linux-x64", versions: ["3.0.65"] },
  find: (deps) =>
    findTool(deps, {
      program: "cline",
      extensions: ["saoudrizwan.claude-dev", "saoudrizwan.cline-nightly"],
      folder: join(deps.home, ".cline"),
    }),
  notFound: nowhere,
  notice: (deps) => noticeOf(fileOf(deps)),
  next: keyInFileNext,
  files(deps) {
    const file = fileOf(deps);
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
    ];
  },
});

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
