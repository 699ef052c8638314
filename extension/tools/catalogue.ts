import { aider } from "./aider.ts";
import { claudeCode } from "./claude-code.ts";
import { cline } from "./cline.ts";
import { codex } from "./codex.ts";
import { continueTool } from "./continue.ts";
import { copilotCli } from "./copilot-cli.ts";
import { crush } from "./crush.ts";
import { kiloCode } from "./kilo-code.ts";
import { opencode } from "./opencode.ts";
import { pi } from "./pi.ts";
import { qwenCode } from "./qwen-code.ts";
import { rooCode } from "./roo-code.ts";
import type { unconfigurable } from "./unconfigurable.ts";
import { zooCode } from "./zoo-code.ts";

/** Every tool that can be set up, most used first. A further one is one file beside this, and its line here. */
export const catalogue = [
  claudeCode,
  codex,
  opencode,
  copilotCli,
  pi,
  cline,
  qwenCode,
  kiloCode,
  continueTool,
  crush,
  aider,
  zooCode,
  rooCode,
] as const;

export type ToolId = (typeof catalogue)[number]["id"] | (typeof unconfigurable)[number]["id"];
