import { CancelledError, describe, UserError } from "../base/errors.ts";
import { catalogue } from "./catalogue.ts";
import type { ToolId } from "./catalogue.ts";
import { createTool } from "./create-tool.ts";
import type { FilePreview } from "./preview.ts";
import { leanEnvironment, runProgram } from "./program.ts";
import type { AskHelper, PlannedChange, Tool, ToolChange, ToolSetupDeps, ToolState, ToolUse } from "./tool.ts";
import { createUnconfigurable, unconfigurable } from "./unconfigurable.ts";

export interface DetectedTool {
  readonly id: ToolId;
  readonly label: string;
  readonly state: ToolState;
  /** A sentence: where it was found, or why it cannot be set up and what to do. */
  readonly detail: string;
  /** It is chosen for the person only by themselves. */
  readonly isOptIn?: boolean;
}

/** A tool that was set up on this machine and not set back. */
export interface ToolInUse extends ToolUse {
  readonly id: ToolId;
  readonly label: string;
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

/** All methods but `refresh` reject with a CancelledError when the signal fires, and but for `preview` with nothing else. */
export interface ToolSetup {
  detect(signal?: AbortSignal): Promise<DetectedTool[]>;
  /** What `apply` would change, for showing. Writes nothing; a tool whose file cannot be read has no entry. */
  plan(ids: readonly ToolId[], signal?: AbortSignal): Promise<PlannedChange[]>;
  /** The files of one tool before and after, without secrets. Rejects with a UserError that says why there is none. */
  preview(id: ToolId, signal?: AbortSignal): Promise<readonly FilePreview[]>;
  /** Safe to repeat: a second call changes nothing. */
  apply(ids: readonly ToolId[], signal?: AbortSignal): Promise<ToolOutcome[]>;
  /** The tools that would get no key, or another one, each with why. Writes nothing and asks no model. */
  verify(ids: readonly ToolId[], signal?: AbortSignal): Promise<ToolOutcome[]>;
  /** The tools that were set up here, for saying what a change of the key means to them. */
  inUse(signal?: AbortSignal): Promise<ToolInUse[]>;
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
    preview: (id, signal) =>
      inTurn(async () => {
        const tool = tools.find((candidate) => candidate.id === id);
        try {
          return (await tool?.preview(signal)) ?? [];
        } catch (error) {
          throw tool === undefined ? error : new UserError(sentenceFor(tool, "look at", error, signal));
        }
      }),
    apply: (ids, signal) => changeEach(ids, "set up", (tool) => tool.apply(signal), signal),
    verify: async (ids, signal) => {
      const askHelper = createAskHelper(deps, signal);
      const check = async (tool: Tool<ToolId>): Promise<ToolChange> => {
        await tool.verify(askHelper, signal);
        return { changed: [], next: "" };
      };
      return (await changeEach(ids, "check", check, signal)).filter(({ ok }) => !ok);
    },
    inUse: (signal) =>
      inTurn(async () => {
        const used: ToolInUse[] = [];
        for (const tool of tools) {
          const { id, label } = tool;
          const use = await tool.use(signal);
          if (use !== undefined) used.push({ id, label, ...use });
        }
        return used;
      }),
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

/** Runs the key helper when it is first asked, and once for all tools that ask. */
function createAskHelper({ helperCommand, env, platform }: ToolSetupDeps, signal?: AbortSignal): AskHelper {
  let answer: Promise<string> | undefined;
  async function ask(): Promise<string> {
    const request = { env: leanEnvironment(env), platform, milliseconds: 15_000, signal };
    const { code, stdout, stderr } = await runProgram(helperCommand, [], request).catch(() => ({
      code: null,
      stdout: "",
      stderr: "",
    }));
    const key = stdout.trim();
    if (code === 0 && key !== "") return key;
    const [, said] = /^OpenRouter Keys: (.+)$/m.exec(stderr) ?? [];
    const why = said ?? `Run ${helperCommand} in a terminal to see why.`;
    throw new UserError(`The key helper gives no key. ${why}`);
  }
  return () => (answer ??= ask());
}
