import { join } from "node:path";
import { findTool } from "./find-tool.ts";
import { createKeyPlugin } from "./key-plugin.ts";
import { askTheHelperNext, defineTool, nowhere } from "./tool-entry.ts";
import { xdgFolder } from "./xdg-folder.ts";

/** Kilo Code, by a plugin of ours, which its command line and its VS Code extension load. */
export const kiloCode = defineTool({
  id: "kilo-code",
  label: "Kilo Code",
  proof: { package: "@kilocode/cli-linux-x64", versions: ["7.7.9"] },
  find: (deps) =>
    findTool(deps, {
      program: "kilo",
      extensions: ["kilocode.kilo-code"],
      folder: xdgFolder(deps, "kilo").path,
    }),
  notFound: nowhere,
  next: askTheHelperNext,
  files(deps) {
    const { path, named } = xdgFolder(deps, "kilo");
    // Its folder is `plugin`, where opencode's is `plugins`.
    return [createKeyPlugin(join(path, "plugin", "openrouter-key.js"), named, deps)];
  },
});
