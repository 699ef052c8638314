// Written by OpenRouter Keys, which also takes it away: "OpenRouter Keys: Undo Tool Setup".
import { execFileSync } from "node:child_process";

export const OpenRouterKey = async () => ({
  config: async (config) => {
    config.provider ??= {};
    const provider = (config.provider.openrouter ??= {});
    provider.options ??= {};
    provider.options.baseURL = "https://openrouter.ai/api/v1";
    provider.options.apiKey = "";
    try {
      provider.options.apiKey = execFileSync("{{home}}/Application Support/or-key", [], { encoding: "utf8" }).trim();
    } catch {
      // The command has said why.
    }
    if (config.model === undefined) {
      provider.models ??= {};
      provider.models["~anthropic/claude-sonnet-latest"] ??= { name: "Claude Sonnet, newest" };
      config.model = "openrouter/~anthropic/claude-sonnet-latest";
      config.small_model ??= config.model;
    }
  },
});
