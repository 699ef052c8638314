import { claudeCode } from "./claude-code.ts";
import { codex } from "./codex.ts";

/** Every tool that can be set up, most used first. A further one is one file beside this, and its line here. */
export const catalogue = [claudeCode, codex] as const;

export type ToolId = (typeof catalogue)[number]["id"];
