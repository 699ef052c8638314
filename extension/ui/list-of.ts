/** `Claude Code, Codex and Cline`. */
export function listOf(labels: readonly string[]): string {
  return new Intl.ListFormat("en", { style: "long", type: "conjunction" }).format(labels);
}
