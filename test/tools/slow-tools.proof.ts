import { runCline, runKilo, runOpencode } from "./run-tool.ts";
import { proveEach } from "./prove-tool.ts";
import type { FurtherTool } from "./prove-tool.ts";

// Each run takes these ten seconds and more, so that they are not part of `npm test`.
const withoutKey = JSON.stringify({
  model: "openrouter/anthropic/claude-sonnet-4.5",
  provider: { openrouter: { options: { baseURL: "http://127.0.0.1:9" } } },
});

const tools: readonly FurtherTool[] = [
  {
    id: "opencode",
    before: { ".config/opencode/opencode.jsonc": `{\n  // mine\n  "share": "disabled",\n}\n` },
    run: runOpencode,
    without: { env: { OPENCODE_CONFIG_CONTENT: withoutKey } },
    isAsking: true,
  },
  {
    id: "cline",
    before: {},
    run: runCline,
    isAsking: false,
  },
  {
    id: "kilo-code",
    before: {},
    run: runKilo,
    isAsking: true,
  },
];

describe("the real command lines of tools that start slowly", function () {
  this.timeout(240_000);
  proveEach(tools);
});
