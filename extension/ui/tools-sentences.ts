import type { ToolInUse } from "../tools/tool-setup.ts";
import { listOf } from "./list-of.ts";

const namesOf = (tools: readonly ToolInUse[]): string => listOf(tools.map(({ label }) => label));

/** The names of those that go with the key; `none` where none is known here, since another machine may have some. */
export function usersOr(none: string, tools: readonly ToolInUse[]): string {
  const current = tools.filter(({ isCurrent }) => isCurrent);
  return current.length === 0 ? none : namesOf(current);
}

/** What a person has to do so that tools take a key that has changed; nothing for those that ask for it again and again. */
export function switchSentences(tools: readonly ToolInUse[]): readonly string[] {
  const restarted = tools.filter(({ isCurrent, rereadsKey }) => isCurrent && !rereadsKey);
  const stale = tools.filter(({ isCurrent }) => !isCurrent);
  return [
    ...(restarted.length === 0
      ? []
      : [`Start ${namesOf(restarted)} again, or reload the window in VS Code: the key is read at the start only.`]),
    ...(stale.length === 0
      ? []
      : [`The settings of ${namesOf(stale)} have changed since: “Set Up Coding Tools” gives them the new one.`]),
  ];
}
