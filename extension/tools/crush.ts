import { join } from "node:path";
import { quoteForShell } from "../key-helper/shell-quote.ts";
import { findTool, folderOf } from "./find-tool.ts";
import { block, blockPath, createMarkedBlock } from "./marked-block.ts";
import { defineTool } from "./tool-entry.ts";
import type { ToolSetupDeps } from "./tool.ts";
import { xdgFolder } from "./xdg-folder.ts";

/** Crush's own variable names the folder itself. */
function place(deps: ToolSetupDeps): { readonly path: string; readonly named?: string } {
  const named = folderOf(deps.env["CRUSH_GLOBAL_CONFIG"]);
  return named === undefined ? xdgFolder(deps, "crush") : { path: named, named };
}

/** Crush, by a block in its `crushrc`: a script in Bash that it runs at each start, also on Windows. */
export const crush = defineTool({
  id: "crush",
  label: "Crush",
  proof: { missing: "its program is fetched from elsewhere" },
  find: (deps) => findTool(deps, { program: "crush", folder: place(deps).path }),
  notFound: "Its command line was not found. Install Crush and try again.",
  next: {
    afterApply:
      "Start a new session of Crush and choose a model of OpenRouter; a Crush that knows no crushrc needs an update first. It works while VS Code is open.",
    afterUndo: "Start a new session of Crush.",
  },
  files(deps) {
    const { path, named } = place(deps);
    const file = join(path, "crushrc");
    return [
      {
        file,
        folder: named,
        format: createMarkedBlock(file),
        moving: [blockPath],
        wanted: () => [block(linesOf(deps))],
      },
    ];
  },
});

/** Where the helper fails Crush would take a variable of the person's own: a word that is no key prevents it. */
function linesOf({ helperCommand, openRouterUrl }: ToolSetupDeps): readonly string[] {
  const key = `"$(${quoteForShell(helperCommand)} || echo no-key-open-vs-code)"`;
  return [`provider add openrouter --base-url ${quoteForShell(openRouterUrl)} --api-key ${key}`];
}
