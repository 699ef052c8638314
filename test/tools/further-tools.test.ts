import { runContinue, runPi, runQwen } from "./run-tool.ts";
import { proveEach } from "./prove-tool.ts";
import type { FurtherTool } from "./prove-tool.ts";

const tools: readonly FurtherTool[] = [
  {
    id: "pi",
    before: { ".pi/agent/settings.json": `{"defaultProvider":"anthropic","hideThinkingBlock":true}` },
    run: runPi,
    without: { args: ["--provider", "openrouter"] },
    isAsking: true,
  },
  {
    id: "qwen-code",
    before: {
      ".qwen/settings.json": `{\n  // mine\n  "$version": 4,\n  "privacy": { "usageStatisticsEnabled": false }\n}\n`,
      ".qwen/.env": `# mine\r\nA=1`,
    },
    run: runQwen,
    without: {},
    isAsking: false,
  },
  {
    id: "continue",
    before: { ".continue/config.yaml": `# mine\nname: Mine # yes\nversion: 0.0.1\nschema: v1\nmodels: []\n` },
    run: runContinue,
    without: {},
    isAsking: false,
  },
];

describe("the real command lines of further tools", function () {
  this.timeout(240_000);
  proveEach(tools);
});
