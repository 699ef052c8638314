import { statSync } from "node:fs";

import type * as vscode from "vscode";

import type { AddressReading } from "../account/function-address.ts";
import { describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { installKeyHelper, type KeyHelperPlace } from "../key-helper/install.ts";
import type { ToolInUse, ToolSetup } from "../tools/tool-setup.ts";
import type { ToolUndoStore } from "./secret-storage.ts";

interface ToolsDeps {
  readonly helper: KeyHelperPlace;
  readonly openRouterUrl: () => AddressReading;
  readonly undoStore: ToolUndoStore;
  /** The key for the tools. Must not prompt. */
  readonly readKey: () => Promise<string | undefined>;
  /** The environment of the editor's terminals. */
  readonly terminals: vscode.EnvironmentVariableCollection;
  readonly log: Log;
}

export interface ToolsOnThisMachine {
  /** Installs the key helper first, so that what a tool is told to run is there. Throws UserError. */
  readonly ready: () => Promise<ToolSetup>;
  /**
   * Mends what an update of the editor or another setting broke in tools that were set up: a machine without such a
   * tool is left alone. Never rejects.
   */
  readonly refresh: () => Promise<void>;
  /** The tools that were set up on this machine; none where that cannot be found out. Never rejects. */
  readonly inUse: () => Promise<readonly ToolInUse[]>;
}

/** One set-up at a time for one address of OpenRouter, so that its changes follow each other. */
export function createToolsOnThisMachine({
  helper,
  openRouterUrl,
  undoStore,
  readKey,
  terminals,
  log,
}: ToolsDeps): ToolsOnThisMachine {
  let built: { readonly url: string; readonly setup: Promise<ToolSetup> } | undefined;

  async function build(url: string): Promise<ToolSetup> {
    const helperCommand = await installKeyHelper(helper).catch((cause: unknown) => {
      const message = `The key helper could not be written to ${helper.storageDirectory}. Check that folder, then try again.`;
      throw cause instanceof UserError ? cause : new UserError(message, { cause });
    });
    const { buildToolSetup } = await import("./build-tool-setup.ts");
    return buildToolSetup({ helperCommand, openRouterUrl: url, readKey, undoStore, log }, terminals);
  }

  function ready(): Promise<ToolSetup> {
    const reading = openRouterUrl();
    if (reading.kind !== "address") {
      const message =
        reading.kind === "fault" ? reading.message : "Set openrouterKeys.openRouterUrl to OpenRouter's address.";
      return Promise.reject(new UserError(message));
    }
    const url = reading.address.base;
    if (built?.url === url) return built.setup;
    const setup = build(url);
    const attempt = { url, setup };
    built = attempt;
    setup.catch(() => {
      // The next call tries again.
      if (built === attempt) built = undefined;
    });
    return setup;
  }

  return {
    ready,
    inUse: async () => {
      try {
        return (await undoStore.hasAny()) ? await (await ready()).inUse(AbortSignal.timeout(10_000)) : [];
      } catch (error) {
        log.warn(`It could not be found out which tools are set up: ${describe(error)}`);
        return [];
      }
    },
    refresh: async () => {
      try {
        // With nothing set up any more, what this window has put into its terminals has to go.
        if (built !== undefined || (await undoStore.hasAny())) await (await ready()).refresh();
      } catch (error) {
        log.warn(`The tools' set-up could not be refreshed: ${describe(error)}`);
      }
    },
  };
}

export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
