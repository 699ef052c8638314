import type { Log } from "../base/log.ts";
import type { FilePreview } from "./preview.ts";
import type { TerminalVariables } from "./terminal-variables.ts";

/**
 * available: installed, not set up by us. configured: its files hold our values. not-found: not on this machine.
 * unsupported: installed, but its file or its version does not let us set it up; the detail says what to do.
 */
export type ToolState = "available" | "configured" | "not-found" | "unsupported";

/** One value that set-up would write. No secret is among the new values, and the old ones are never shown. */
export interface PlannedChange {
  readonly file: string;
  /** Where in the file, with dots: `env.ANTHROPIC_BASE_URL`; the file's name where it is ours as a whole. */
  readonly setting: string;
  readonly value: string;
  /** The person has another value of their own there, which undo puts back. */
  readonly replaces: boolean;
}

/** What undo needs, one record a file, kept where secrets rest: a person's previous values may be secrets. */
export interface UndoStore {
  get(record: string): Promise<string | undefined>;
  put(record: string, json: string): Promise<void>;
  delete(record: string): Promise<void>;
}

export interface ToolSetupDeps {
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Absolute path of `or-key`, which prints the key. */
  readonly helperCommand: string;
  /** For example `https://openrouter.ai/api/v1`: without a slash at its end. */
  readonly openRouterUrl: string;
  /** The key for the tools, for those that take no command; undefined when there is none. Must not prompt. */
  readonly readKey: () => Promise<string | undefined>;
  readonly undoStore: UndoStore;
  /** The folder of a VS Code extension, by its id, where it is installed. */
  readonly extensionFolder: (id: string) => string | undefined;
  /** What a VS Code extension offers to others, once it has started; undefined where it is not installed. */
  readonly extensionApi: (id: string) => Promise<unknown>;
  readonly terminals: TerminalVariables;
  readonly log: Log;
}

/** An AI coding tool that can be made to use the person's OpenRouter key. Throws UserError with a sentence to show. */
export interface Tool<Id extends string = string> {
  readonly id: Id;
  readonly label: string;
  /** It is chosen for the person only by themselves. */
  readonly isOptIn?: boolean;
  detect(signal?: AbortSignal): Promise<{ readonly state: ToolState; readonly detail: string }>;
  /** What `apply` would change, for showing; nothing when the tool is set up. Writes nothing. */
  plan(signal?: AbortSignal): Promise<readonly PlannedChange[]>;
  /** The files that `apply` would change, before and after, without secrets. Writes nothing. */
  preview(signal?: AbortSignal): Promise<readonly FilePreview[]>;
  /** Safe to repeat: a second call changes nothing and keeps the first undo record. */
  apply(signal?: AbortSignal): Promise<ToolChange>;
  /**
   * Throws a UserError when the tool would get no key or another one: its values are gone, or the helper does not print
   * it. Writes nothing.
   */
  verify(askHelper: AskHelper, signal?: AbortSignal): Promise<void>;
  /** Whether it was set up and still is; undefined when it was not. Writes nothing. */
  use(signal?: AbortSignal): Promise<ToolUse | undefined>;
  /** Safe to repeat: without an undo record it changes nothing. */
  undo(signal?: AbortSignal): Promise<ToolChange>;
  /** Rewrites our own values, and only those, when the helper, OpenRouter's address or the key has changed. Never prompts. */
  refresh(signal?: AbortSignal): Promise<void>;
}

export interface ToolUse {
  /** Its files say what set-up would write now; else the person or the tool has changed them. */
  readonly isCurrent: boolean;
  /** A changed key reaches it without a restart. */
  readonly rereadsKey: boolean;
  /** The key stands in its file, and works from there whoever is signed in. */
  readonly holdsKey: boolean;
}

/** What the key helper prints, run as a tool runs it. Throws a UserError with what it said instead. */
export type AskHelper = () => Promise<string>;

export interface ToolChange {
  /** The files that were written or removed. */
  readonly changed: readonly string[];
  /** A sentence: what to restart. */
  readonly next: string;
}
