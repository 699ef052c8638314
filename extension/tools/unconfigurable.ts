import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { findTool } from "./find-tool.ts";
import type { ToolPlaces } from "./find-tool.ts";
import type { Tool, ToolSetupDeps } from "./tool.ts";

/** A tool that people look for and that cannot be set up: nothing of it is ever written. */
interface Unconfigurable<Id extends string = string> {
  readonly id: Id;
  readonly label: string;
  /** Where it would be; the folder is below the home folder. */
  readonly places: ToolPlaces;
  /** Sentences, short enough for one line: why, and what the person can do. */
  readonly why: string;
}

/** Most used first. */
export const unconfigurable = [
  define({
    id: "gemini-cli",
    label: "Gemini CLI",
    places: { program: "gemini", folder: ".gemini" },
    why: "It talks to Google's models only. Install Qwen Code, which is made from it, and set that up.",
  }),
  define({
    id: "cursor",
    label: "Cursor",
    places: { program: "cursor", folder: ".cursor" },
    why: "Its own chat takes a key only by hand. Use an extension in it that is set up here, such as Cline.",
  }),
  define({
    id: "junie",
    label: "Junie",
    places: { program: "junie", folder: ".junie" },
    why: "It takes a key only from a variable that every program could read. Use another tool of this list.",
  }),
] as const;

function define<const Id extends string>(tool: Unconfigurable<Id>): Unconfigurable<Id> {
  return tool;
}

/** As a tool like the others, so that it stands in the same lists; it refuses to be set up, with why. */
export function createUnconfigurable<Id extends string>(
  { id, label, places, why }: Unconfigurable<Id>,
  deps: ToolSetupDeps,
): Tool<Id> {
  return {
    id,
    label,
    async detect() {
      const { folder } = places;
      const found = await findTool(deps, {
        ...places,
        ...(folder !== undefined && { folder: join(deps.home, folder) }),
      });
      return { state: found === undefined ? "not-found" : "unsupported", detail: why };
    },
    plan: async () => [],
    preview: async () => [],
    use: async () => undefined,
    apply: () => Promise.reject(new UserError(why)),
    verify: () => Promise.reject(new UserError(why)),
    undo: async () => ({ changed: [], next: "" }),
    refresh: async () => undefined,
  };
}
