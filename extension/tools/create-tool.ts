import { UserError } from "../base/errors.ts";
import { createConfiguredFile } from "./configured-file.ts";
import type { ConfiguredPlace } from "./configured-place.ts";
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
  const holdsKey = [...recipes, ...others].some((place) => place.holdsKey === true);
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
    async preview(signal) {
      const previews = [];
      for (const place of places) {
        const preview = await place.preview(signal);
        if (preview !== undefined) previews.push(preview);
      }
      return previews;
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
    async verify(askHelper, signal) {
      if (!(await isConfigured(signal))) throw new UserError("It is not set up any more. Set it up again.");
      // The key in a file has been compared with ours.
      if (holdsKey) return;
      if ((await askHelper()) === (await deps.readKey())) return;
      throw new UserError(
        "The key helper gives another key than the one you chose. Close other editors that have OpenRouter Keys, then check again with “Set Up Coding Tools”.",
      );
    },
    async use(signal) {
      const current = await Promise.all(places.map((place) => place.isCurrent(signal)));
      if (current.every((is) => is === undefined)) return undefined;
      // A file without a record had our values before, or has lost them since.
      const isCurrent = !current.includes(false) && (!current.includes(undefined) || (await isConfigured(signal)));
      return { isCurrent, holdsKey, rereadsKey: entry.rereadsKey === true };
    },
    undo: async (signal) => ({ changed: await undoAll(places, signal), next: next.afterUndo }),
    async refresh(signal) {
      for (const place of places) await place.refresh(signal);
    },
  };
}
