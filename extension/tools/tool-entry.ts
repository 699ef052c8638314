import type { FileRecipe } from "./configured-file.ts";
import type { OtherPlace } from "./configured-place.ts";
import type { ToolSetupDeps } from "./tool.ts";

/** One row of the catalogue: all that is particular to a tool. What every tool does the same way is in `create-tool.ts`. */
export interface ToolEntry<Id extends string = string> {
  readonly id: Id;
  readonly label: string;
  readonly proof: Proof | NoProof;
  /**
   * A sentence that says where it is, or undefined when it is not on this machine. Throws a UserError when it is there
   * and cannot be set up, which says why and what the person can do.
   */
  find(deps: ToolSetupDeps, signal?: AbortSignal): Promise<string | undefined>;
  /** What to do when `find` finds nothing. */
  readonly notFound: string;
  /** Its files in the order of writing: first what makes it work, then what makes it the choice. */
  files(deps: ToolSetupDeps): readonly FileRecipe[];
  /** Where else it is set up, after its files. */
  places?(deps: ToolSetupDeps): readonly OtherPlace[];
  /** It takes something from the person that they have otherwise, so that it is chosen for them only by themselves. */
  readonly isOptIn?: boolean;
  /** What the person must know before they agree, as where the key cannot stay out of files. */
  notice?(deps: ToolSetupDeps): string;
  /** It asks the key helper again while it runs: a key that has changed reaches it without a restart. */
  readonly rereadsKey?: boolean;
  /** Sentences: what to restart. */
  readonly next: { readonly afterApply: string; readonly afterUndo: string };
}

/**
 * What the tests run: the tool's own program, in the versions of `test/tools/package.json`; the package on the registry,
 * newest version last.
 */
export interface Proof {
  readonly package: string;
  /** Where the package only names those that hold the program for each system: the one for Linux. */
  readonly program?: string;
  readonly versions: readonly [string, ...string[]];
}

/** Why no test runs the program: what is written for it follows the tool's own documentation. */
export interface NoProof {
  readonly missing: string;
}

/** Keeps the id's own type, of which the catalogue makes the list of ids. */
export function defineTool<const Id extends string>(entry: ToolEntry<Id>): ToolEntry<Id> {
  return entry;
}

/** What a tool that asks the key helper needs next; one sentence for all, so that it is shown once. */
export const askTheHelperNext = {
  afterApply: "Start a new session to use it; in VS Code, reload the window. It works while VS Code is open.",
  afterUndo: "Start a new session; in VS Code, reload the window.",
} as const;

/** What a tool that knows no command needs next. */
export const keyInFileNext = {
  afterApply: "Start a new session to use it; in VS Code, reload the window.",
  afterUndo: askTheHelperNext.afterUndo,
} as const;

/** Said before the person agrees, where the key cannot stay out of files. */
export function noticeOf(file: string): string {
  return `It cannot ask for the key: the key is written to ${file}, which only you can read.`;
}

export const nowhere = "Neither its command line nor its VS Code extension was found. Install one and try again.";
