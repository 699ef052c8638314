import { join } from "node:path";
import { findTool } from "./find-tool.ts";
import { createKeyPlugin } from "./key-plugin.ts";
import { askTheHelperNext, defineTool } from "./tool-entry.ts";
import { xdgFolder } from "./xdg-folder.ts";

/** opencode, by a plugin of ours. */
export const opencode = defineTool({
  id: "opencode",
  label: "opencode",
  proof: { package: "opencode-ai", program: "opencode-linux-x64", versions: ["1.18.33"] },
  find: (deps) =>
    findTool(deps, {
      program: "opencode",
      programFolders: [join(".opencode", "bin")],
      folder: xdgFolder(deps, "opencode").path,
    }),
  notFound: "Its command line was not found. Install opencode and try again.",
  next: askTheHelperNext,
  files(deps) {
    const { path, named } = xdgFolder(deps, "opencode");
    return [createKeyPlugin(join(path, "plugins", "openrouter-key.js"), named, deps)];
  },
});
