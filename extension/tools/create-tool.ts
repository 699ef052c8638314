import { UserError } from "../base/errors.ts";
import { createConfiguredFile } from "./configured-file.ts";
import type { ConfiguredPlace } from "./configured-place.ts";
import { leanEnvironment, runProgram } from "./program.ts";
import type { ToolEntry } from "./tool-entry.ts";
import type { Tool, ToolSetupDeps } from "./tool.ts";

/** What every tool of the catalogue does the same way, over the files and other places that its row names. */
export function createTool<Id extends string>(entry: ToolEntry<Id>, deps: ToolSetupDeps): Tool<Id> {
  const { id, label, next } = entry;
  const recipes = entry.files(deps);
  const others = entry.places?.(deps) ?? [];
  const places: readonly ConfiguredPlace[] = [
    ...recipes.map((recipe) => createConfiguredFile(id, recipe, deps)),
    ...others,
  ];
  const wanted = recipes.filter(({ isWanted }) => isWanted !== false);
  const names = [...wanted.map(({ file }) => file), ...others.map(({ name }) => name)].join(", ");

  async function isConfigured(signal?: AbortSignal): Promise<boolean> {
    for (const place of places) if (!(await place.isConfigured(signal))) return false;
    return true;
  }

  async function undoAll(which: readonly ConfiguredPlace[], signal?: AbortSignal): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const place of which.toReversed()) changed.push(...(await place.undo(signal)));
    return changed.toReversed();
  }

  return {
    id,
    label,
    ...(entry.isOptIn === true && { isOptIn: true }),
    async detect(signal) {
      const found = await entry.find(deps, signal);
      if (found === undefined) return { state: "not-found", detail: entry.notFound };
      if (await isConfigured(signal)) {
        return { state: "configured", detail: `It uses your OpenRouter key, by ${names}.` };
      }
      return { state: "available", detail: [found, entry.notice?.(deps)].filter(Boolean).join(" ") };
    },
    async plan(signal) {
      const changes = [];
      for (const place of places) changes.push(...(await place.plan(signal)));
      return changes;
    },
    async apply(signal) {
      // What one place refuses is found out before another is written.
      for (const place of places.slice(1)) await place.check(signal);
      const wasConfigured = places.length > 1 && (await isConfigured(signal));
      const changed: string[] = [];
      const written: ConfiguredPlace[] = [];
      try {
        for (const place of places) {
          const paths = await place.apply(signal);
          changed.push(...paths);
          if (paths.length > 0) written.push(place);
        }
      } catch (error) {
        // Half a set-up is none. Without the signal: what was begun is taken back also when the person cancels.
        if (!wasConfigured) await undoAll(written);
        throw error;
      }
      return { changed, next: next.afterApply };
    },
    async verify(signal) {
      if (!(await isConfigured(signal))) throw new UserError(`${label} is not set up any more. Set it up again.`);
      if ([...recipes, ...others].some(({ holdsKey }) => holdsKey)) return;
      const request = { env: leanEnvironment(deps.env), platform: deps.platform, milliseconds: 15_000, signal };
      const { code, stdout } = await runProgram(deps.helperCommand, [], request).catch(() => ({
        code: null,
        stdout: "",
      }));
      if (code === 0 && stdout.trim() !== "") return;
      throw new UserError(`${label} would get no key: run ${deps.helperCommand} in a terminal to see why.`);
    },
    undo: async (signal) => ({ changed: await undoAll(places, signal), next: next.afterUndo }),
    async refresh(signal) {
      for (const place of places) await place.refresh(signal);
    },
  };
}
