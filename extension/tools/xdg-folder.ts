import { join } from "node:path";
import { folderOf } from "./find-tool.ts";
import type { ToolSetupDeps } from "./tool.ts";

/** A tool's folder where it follows the XDG rules, which some do on every system. */
export function xdgFolder(deps: ToolSetupDeps, name: string): { readonly path: string; readonly named?: string } {
  const named = folderOf(deps.env["XDG_CONFIG_HOME"]);
  return named === undefined
    ? { path: join(deps.home, ".config", name) }
    : { path: join(named, name), named: join(named, name) };
}
