import { writeProvenTable } from "./proven-table.ts";
import { proveEach } from "./prove-tool.ts";
import type { FurtherTool } from "./prove-tool.ts";
import { runCline, runContinue, runCopilot, runKilo, runOpencode, runPi, runQwen } from "./run-tool.ts";

// These are 1.2 GB to install and take minutes, so that they are not part of `npm test`: `npm run test:further-tools`.
const withoutKey = JSON.stringify({
  model: "openrouter/anthropic/claude-sonnet-4.5",
  provider: { openrouter: { options: { baseURL: "http://127.0.0.1:9" } } },
});

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
  {
    id: "opencode",
    before: { ".config/opencode/opencode.jsonc": `{\n  // mine\n  "share": "disabled",\n}\n` },
    run: runOpencode,
    without: { env: { OPENCODE_CONFIG_CONTENT: withoutKey } },
    isAsking: true,
  },
  {
    id: "copilot-cli",
    before: { ".copilot/config.json": `{"banner": "never"}` },
    run: runCopilot,
    without: {},
    isAsking: true,
  },
  {
    id: "cline",
    before: {
      ".cline/data/settings/providers.json": `{"version":1,"lastUsedProvider":"anthropic","modes":{},"providers":{}}`,
    },
    run: runCline,
    isRewriting: true,
    isAsking: false,
  },
  {
    id: "kilo-code",
    before: {},
    run: runKilo,
    isAsking: true,
  },
];

describe("the real command lines of further tools", function () {
  this.timeout(1_500_000);
  proveEach(tools);

  // What stands in the README was run just before.
  after(async function () {
    if (this.test?.parent?.tests.every((test) => test.isPassed()) === true) await writeProvenTable();
  });
});
