import { createProfilePlace } from "./extension-profile.ts";
import { findTool } from "./find-tool.ts";
import { defineTool } from "./tool-entry.ts";
import type { ToolEntry } from "./tool-entry.ts";

/** A row of the catalogue for Roo Code or a fork of it: an extension that takes a profile from other extensions. */
export function defineProfileTool<const Id extends string>(tool: {
  readonly id: Id;
  readonly label: string;
  readonly extension: string;
}): ToolEntry<Id> {
  const { id, label, extension } = tool;
  return defineTool({
    id,
    label,
    proof: { missing: "on the marketplace only" },
    find: (deps) => findTool(deps, { extensions: [extension] }),
    notFound: "Its VS Code extension was not found. Install it and try again.",
    rereadsKey: true,
    next: {
      afterApply: "Its profile “OpenRouter Keys” is in use, with nothing to restart.",
      afterUndo: "The profile that was in use before is in use again.",
    },
    files: () => [],
    places: (deps) => [createProfilePlace(tool, deps)],
  });
}
