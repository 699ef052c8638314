import * as z from "zod/mini";
import type { OtherPlace } from "./configured-place.ts";
import type { ToolSetupDeps } from "./tool.ts";

/**
 * The variables of terminals that the editor opens from now on, in this window. They must hold no secret: when the editor
 * quits it saves the environment of its open terminals in clear, to bring them back.
 */
export interface TerminalVariables {
  /** Lasts as long as the window: what is to last is set again at the next start. */
  set(name: string, value: string): void;
  /** Safe to repeat. */
  remove(name: string): void;
}

const Record = z.object({ version: z.literal(1), variables: z.record(z.string(), z.string()) });

/**
 * A tool that knows nothing but variables is set up in the editor's terminals, and nowhere else on the machine. Which
 * variables are set is remembered, since every window and every start has to set them again.
 */
export function createTerminalPlace(
  toolId: string,
  variables: Readonly<Record<string, string>>,
  { terminals, undoStore }: Pick<ToolSetupDeps, "terminals" | "undoStore">,
): OtherPlace {
  const id = `${toolId} terminals`;
  const place = "the environment of VS Code's terminals";
  const wanted = JSON.stringify({ version: 1, variables });
  /** What this window has set, so that what another window takes back goes here, too. */
  let here: readonly string[] = [];

  async function remembered(): Promise<Readonly<Record<string, string>> | undefined> {
    const text = await undoStore.get(id);
    if (text === undefined) return undefined;
    try {
      return Record.parse(JSON.parse(text)).variables;
    } catch {
      return {};
    }
  }

  function set(): void {
    for (const [name, value] of Object.entries(variables)) terminals.set(name, value);
    here = Object.keys(variables);
  }

  function remove(names: readonly string[]): void {
    for (const name of new Set([...names, ...here])) terminals.remove(name);
    here = [];
  }

  const isConfigured = async (): Promise<boolean> => (await undoStore.get(id)) === wanted;

  return {
    name: place,
    key: "asked for at each request, in no file",
    isConfigured,
    isCurrent: async () => ((await undoStore.get(id)) === undefined ? undefined : isConfigured()),
    async preview() {
      if (await isConfigured()) return undefined;
      const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
      return { file: place, before: "", after: lines.join("") };
    },
    plan: async () =>
      (await isConfigured())
        ? []
        : Object.entries(variables).map(([setting, value]) => ({
            file: place,
            setting,
            value: JSON.stringify(value),
            replaces: false,
          })),
    check: async () => undefined,
    async apply() {
      if (await isConfigured()) return [];
      remove(Object.keys((await remembered()) ?? {}));
      await undoStore.put(id, wanted);
      set();
      return [place];
    },
    async undo() {
      const variablesBefore = await remembered();
      remove(Object.keys(variablesBefore ?? {}));
      if (variablesBefore === undefined) return [];
      await undoStore.delete(id);
      return [place];
    },
    async refresh() {
      const before = await remembered();
      if (before === undefined) return remove([]);
      // The record is written only when it changes: every window hears of that, and does this again.
      if (!(await isConfigured())) await undoStore.put(id, wanted);
      remove(Object.keys(before));
      set();
    },
  };
}
