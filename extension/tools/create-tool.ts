import { UserError } from "../base/errors.ts";
import { createConfiguredFile } from "./configured-file.ts";
import type { ConfiguredFile } from "./configured-file.ts";
import type { ToolEntry } from "./tool-entry.ts";
import type { Tool, ToolSetupDeps } from "./tool.ts";

/** What every tool of the catalogue does the same way, over the files that its row names. */
export function createTool<Id extends string>(entry: ToolEntry<Id>, deps: ToolSetupDeps): Tool<Id> {
  const { id, label, next } = entry;
  const recipes = entry.files(deps);
  const files = recipes.map((recipe) => createConfiguredFile(id, recipe, deps));
  const names = recipes.map(({ file }) => file).join(", ");

  async function isConfigured(signal?: AbortSignal): Promise<boolean> {
    for (const file of files) if (!(await file.isConfigured(signal))) return false;
    return true;
  }

  async function undoAll(which: readonly ConfiguredFile[], signal?: AbortSignal): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const file of which.toReversed()) changed.push(...(await file.undo(signal)));
    return changed.toReversed();
  }

  return {
    id,
    label,
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
      for (const file of files) changes.push(...(await file.plan(signal)));
      return changes;
    },
    async preview(signal) {
      const previews = [];
      for (const file of files) {
        const preview = await file.preview(signal);
        if (preview !== undefined) previews.push(preview);
      }
      return previews;
    },
    async apply(signal) {
      // What one file refuses is found out before another is written.
      for (const file of files.slice(1)) await file.check(signal);
      const wasConfigured = files.length > 1 && (await isConfigured(signal));
      const changed: string[] = [];
      const written: ConfiguredFile[] = [];
      try {
        for (const file of files) {
          const paths = await file.apply(signal);
          changed.push(...paths);
          if (paths.length > 0) written.push(file);
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
      if (recipes.some(({ holdsKey }) => holdsKey)) return;
      if ((await askHelper()) === (await deps.readKey())) return;
      throw new UserError(
        "The key helper gives another key than the one you chose. Close other editors that have OpenRouter Keys, then check again with “Set Up Coding Tools”.",
      );
    },
    async use(signal) {
      const current = await Promise.all(files.map((file) => file.isCurrent(signal)));
      if (current.every((is) => is === undefined)) return undefined;
      const holdsKey = recipes.some((recipe) => recipe.holdsKey);
      // A file without a record had our values before, or has lost them since.
      const isCurrent = !current.includes(false) && (!current.includes(undefined) || (await isConfigured(signal)));
      return { isCurrent, holdsKey, rereadsKey: entry.rereadsKey === true };
    },
    undo: async (signal) => ({ changed: await undoAll(files, signal), next: next.afterUndo }),
    async refresh(signal) {
      for (const file of files) await file.refresh(signal);
    },
  };
}
