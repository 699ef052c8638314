import type { Log } from "../base/log.ts";

export type ToolId = "claude-code" | "codex";

/**
 * available: installed, not set up by us. configured: its file holds our values. not-found: not on this machine.
 * unsupported: installed, but its file or its version does not let us set it up; the detail says what to do.
 */
export type ToolState = "available" | "configured" | "not-found" | "unsupported";

/** One value that set-up would write. No secret is among the new values, and the old ones are never shown. */
export interface PlannedChange {
  readonly file: string;
  /** Where in the file, with dots: `env.ANTHROPIC_BASE_URL`. */
  readonly setting: string;
  readonly value: string;
  /** The person has another value there, which undo puts back. */
  readonly replaces: boolean;
}

/** What undo needs, kept where secrets rest: a person's previous values may be secrets. */
export interface UndoStore {
  get(toolId: ToolId): Promise<string | undefined>;
  put(toolId: ToolId, json: string): Promise<void>;
  delete(toolId: ToolId): Promise<void>;
}

export interface ToolSetupDeps {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Absolute path of `or-key`, which prints the key. */
  readonly helperCommand: string;
  /** For example `https://openrouter.ai/api/v1`. */
  readonly openRouterUrl: string;
  readonly undoStore: UndoStore;
  /** The folder of each installed VS Code extension that belongs to a tool, by extension id. */
  readonly extensionPaths?: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** An AI coding tool that can be made to use the person's OpenRouter key. Throws UserError with a sentence to show. */
export interface Tool {
  readonly id: ToolId;
  readonly label: string;
  detect(signal?: AbortSignal): Promise<{ readonly state: ToolState; readonly detail: string }>;
  /** What `apply` would change, for showing; nothing when the tool is set up. Writes nothing. */
  plan(signal?: AbortSignal): Promise<readonly PlannedChange[]>;
  /** Safe to repeat: a second call changes nothing and keeps the first undo record. */
  apply(signal?: AbortSignal): Promise<ToolChange>;
  /** Safe to repeat: without an undo record it changes nothing. */
  undo(signal?: AbortSignal): Promise<ToolChange>;
  /** Rewrites our own values, and only those, when the helper has moved. Never prompts. */
  refresh(signal?: AbortSignal): Promise<void>;
}

export interface ToolChange {
  /** The files that were written or removed. */
  readonly changed: readonly string[];
  /** A sentence: what to restart. */
  readonly next: string;
}

/** What every tool that asks the key helper needs next; one sentence for all, so that it is shown once. */
export const nextAfterApply =
  "Start a new session to use it; in VS Code, reload the window. It works while VS Code is open.";
export const nextAfterUndo = "Start a new session; in VS Code, reload the window.";
