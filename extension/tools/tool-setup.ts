import { CancelledError, describe, UserError } from "../base/errors.ts";
import { catalogue } from "./catalogue.ts";
import type { ToolId } from "./catalogue.ts";
import { createTool } from "./create-tool.ts";
import { createUnconfigurable, unconfigurable } from "./unconfigurable.ts";
import type { PlannedChange, Tool, ToolChange, ToolSetupDeps, ToolState } from "./tool.ts";

export interface DetectedTool {
  readonly id: ToolId;
  readonly label: string;
  readonly state: ToolState;
  /** A sentence: where it was found, or why it cannot be set up and what to do. */
  readonly detail: string;
  /** It is chosen for the person only by themselves. */
  readonly isOptIn?: boolean;
}

export type ToolOutcome =
  | {
      readonly id: ToolId;
      readonly label: string;
      readonly ok: true;
      /** The files that were written or removed. */
      readonly changed: readonly string[];
      /** A sentence: what to restart. */
      readonly next: string;
    }
  | { readonly id: ToolId; readonly label: string; readonly ok: false; readonly message: string };

/** All methods but `refresh` reject with a CancelledError when the signal fires, and with nothing else. */
export interface ToolSetup {
  detect(signal?: AbortSignal): Promise<DetectedTool[]>;
  /** What `apply` would change, for showing. Writes nothing; a tool whose file cannot be read has no entry. */
  plan(ids: readonly ToolId[], signal?: AbortSignal): Promise<PlannedChange[]>;
  /** Safe to repeat: a second call changes nothing. */
  apply(ids: readonly ToolId[], signal?: AbortSignal): Promise<ToolOutcome[]>;
  /** The tools that would get no key by now, each with why. Writes nothing and asks no model. */
  verify(ids: readonly ToolId[], signal?: AbortSignal): Promise<ToolOutcome[]>;
  /** Safe to repeat. A tool that was not set up has an outcome with no changed file. */
  undo(ids: readonly ToolId[], signal?: AbortSignal): Promise<ToolOutcome[]>;
  /** At activation. Never rejects, never prompts; rewrites our own values, and only them, when the helper has moved. */
  refresh(): Promise<void>;
}

export function createToolSetup(deps: ToolSetupDeps): ToolSetup {
  const tools: readonly Tool<ToolId>[] = [
    ...catalogue.map((entry) => createTool<ToolId>(entry, deps)),
    ...unconfigurable.map((entry) => createUnconfigurable<ToolId>(entry, deps)),
  ];
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other: two changes of one file at once would undo each other. */
  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = turn.then(step);
    turn = done.catch(() => undefined);
    return done;
  }

  function sentenceFor(tool: Tool, verb: string, error: unknown, signal?: AbortSignal): string {
    if (error instanceof CancelledError || signal?.aborted === true) throw new CancelledError();
    if (error instanceof UserError) return error.message;
    deps.log.error(`Could not ${verb} ${tool.label}: ${describe(error)}`);
    return `Could not ${verb} ${tool.label}. The log has the details.`;
  }

  function changeEach(
    ids: readonly ToolId[],
    verb: string,
    change: (tool: Tool<ToolId>) => Promise<ToolChange>,
    signal?: AbortSignal,
  ): Promise<ToolOutcome[]> {
    return inTurn(async () => {
      const outcomes: ToolOutcome[] = [];
      for (const tool of tools.filter(({ id }) => ids.includes(id))) {
        const { id, label } = tool;
        if (signal?.aborted === true) throw new CancelledError();
        try {
          const { changed, next } = await change(tool);
          for (const file of changed) deps.log.info(`${label}: changed ${file}`);
          outcomes.push({ id, label, ok: true, changed, next });
        } catch (error) {
          outcomes.push({ id, label, ok: false, message: sentenceFor(tool, verb, error, signal) });
        }
      }
      return outcomes;
    });
  }

  return {
    detect: (signal) =>
      inTurn(async () => {
        const detected: DetectedTool[] = [];
        for (const tool of tools) {
          const { id, label } = tool;
          try {
            const isOptIn = tool.isOptIn === true && { isOptIn: true };
            detected.push({ id, label, ...isOptIn, ...(await tool.detect(signal)) });
          } catch (error) {
            detected.push({ id, label, state: "unsupported", detail: sentenceFor(tool, "look at", error, signal) });
          }
        }
        // Of what cannot be set up, only what is there is worth a word.
        return detected.filter(
          ({ id, state }) => state !== "not-found" || !unconfigurable.some((tool) => tool.id === id),
        );
      }),
    plan: (ids, signal) =>
      inTurn(async () => {
        const changes: PlannedChange[] = [];
        for (const tool of tools.filter(({ id }) => ids.includes(id))) {
          try {
            changes.push(...(await tool.plan(signal)));
          } catch (error) {
            sentenceFor(tool, "look at", error, signal);
          }
        }
        return changes;
      }),
    apply: (ids, signal) => changeEach(ids, "set up", (tool) => tool.apply(signal), signal),
    verify: async (ids, signal) => {
      const check = async (tool: Tool<ToolId>): Promise<ToolChange> => {
        await tool.verify(signal);
        return { changed: [], next: "" };
      };
      return (await changeEach(ids, "check", check, signal)).filter(({ ok }) => !ok);
    },
    undo: (ids, signal) => changeEach(ids, "take the set-up out of", (tool) => tool.undo(signal), signal),
    refresh: () =>
      inTurn(async () => {
        for (const tool of tools) {
          try {
            await tool.refresh();
          } catch (error) {
            deps.log.warn(`Could not bring the set-up of ${tool.label} up to date: ${describe(error)}`);
          }
        }
      }),
  };
}
