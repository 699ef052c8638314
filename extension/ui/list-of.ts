import { language } from "../base/words.ts";

/** `Claude Code, Codex and Cline`. */
export function listOf(labels: readonly string[]): string {
  return new Intl.ListFormat(language(), { style: "long", type: "conjunction" }).format(labels);
}
