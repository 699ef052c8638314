import type { FileRecipe } from "./configured-file.ts";
import type { ToolSetupDeps } from "./tool.ts";
import { wholeFile, wholeText, wholeTextPath } from "./whole-file.ts";

/** The model of somebody who has chosen none; OpenRouter keeps the name at the newest one. */
export const defaultModel = "~anthropic/claude-sonnet-latest";

/**
 * opencode and Kilo Code, its fork, load each file of their plugin folder: a file of ours, with nothing of theirs edited.
 * It fetches the key at each start. Where that fails no key is set, also none of the person's own: an empty one keeps the
 * tool from sending that in its place.
 */
export function createKeyPlugin(file: string, folder: string | undefined, deps: ToolSetupDeps): FileRecipe {
  return {
    file,
    folder,
    format: wholeFile,
    moving: [wholeTextPath],
    wanted: () => [wholeText(pluginText(deps))],
  };
}

function pluginText({ helperCommand, openRouterUrl, platform }: ToolSetupDeps): string {
  // Node starts a .cmd through the shell only.
  const options = platform === "win32" ? `{ encoding: "utf8", shell: true }` : `{ encoding: "utf8" }`;
  const command = JSON.stringify(platform === "win32" ? `"${helperCommand}"` : helperCommand);
  const model = JSON.stringify(defaultModel);
  return `// Written by OpenRouter Keys, which also takes it away: "OpenRouter Keys: Undo Tool Setup".
import { execFileSync } from "node:child_process";

export const OpenRouterKey = async () => ({
  config: async (config) => {
    config.provider ??= {};
    const provider = (config.provider.openrouter ??= {});
    provider.options ??= {};
    provider.options.baseURL = ${JSON.stringify(openRouterUrl)};
    provider.options.apiKey = "";
    try {
      provider.options.apiKey = execFileSync(${command}, [], ${options}).trim();
    } catch {
      // The command has said why.
    }
    if (config.model === undefined) {
      provider.models ??= {};
      provider.models[${model}] ??= { name: "Claude Sonnet, newest" };
      config.model = ${JSON.stringify(`openrouter/${defaultModel}`)};
      config.small_model ??= config.model;
    }
  },
});
`;
}
