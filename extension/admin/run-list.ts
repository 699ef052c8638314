import type { NightlyRun, NightlyRunsAnswer } from "../../functions/contract/runs.ts";
import type { Access, AccessToken } from "../account/access-token.ts";
import { FunctionError } from "../account/function-error.ts";
import type { Clock } from "../base/clock.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createPace } from "../base/pace.ts";
import type { NightlyRuns } from "./nightly-runs.ts";

export interface ReadyRuns extends Omit<NightlyRunsAnswer, "nextCursor"> {
  readonly kind: "ready";
  /** There are older runs than these. */
  readonly hasMore: boolean;
}

/** Replaced whole, never changed. */
export type RunListState =
  | { readonly kind: "loading" }
  | ReadyRuns
  /** The last sign-in is too old for administrators' pages. */
  | { readonly kind: "sign-in" }
  | { readonly kind: "failed"; readonly message: string; readonly previous: ReadyRuns | undefined };

/** The nightly runs as the function tells them, one question at a time. */
export interface RunList {
  readonly current: RunListState;
  readonly onDidChange: Event<RunListState>;
  /** For timers: not when it is hardly old, and rarely after failures. Asks nobody anything. Never rejects. */
  poll(): Promise<void>;
  /** Asks the function now, and nobody else. Never rejects: a failure is a state. */
  refresh(): Promise<void>;
  /** On a person's action only: may ask for a sign-in. Throws what `withAccess` throws but a FunctionError. */
  show(): Promise<void>;
  /** As `show`, with older runs. */
  showMore(): Promise<void>;
  /** Whoever looks is no administrator any more, or somebody else: nothing is kept. */
  clear(): void;
  dispose(): void;
}

export interface RunListDeps {
  readonly existing: AccessToken["existing"];
  /** Signs in where that is needed; the work may run twice. */
  readonly withAccess: <T>(work: (access: Access) => Promise<T>) => Promise<T>;
  readonly runs: Pick<NightlyRuns, "list">;
  /** The function says that this is no administrator. Never throws. */
  readonly onForbidden: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

const aPage = 30;
/** The function answers no more runs at once. */
const mostAPage = 200;

export function createRunList(deps: RunListDeps): RunList {
  const changes = createEmitter<RunListState>();
  const pace = createPace(deps.clock);
  let current: RunListState = { kind: "loading" };
  /** How many runs are to be seen. */
  let wanted = aPage;
  /** Names what is shown: an answer for another one is dropped. */
  let showing = {};
  let askedWith: string | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function become(state: RunListState): void {
    current = state;
    changes.fire(state);
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  /** Everything that is to be seen, read anew: an older run may have changed as well. */
  async function read(access: Access): Promise<ReadyRuns> {
    const first = await deps.runs.list(access, { limit: Math.min(wanted, mostAPage) });
    const found: NightlyRun[] = [...first.runs];
    let cursor = first.nextCursor;
    while (cursor !== null && found.length < wanted) {
      const page = await deps.runs.list(access, { cursor, limit: Math.min(wanted - found.length, mostAPage) });
      found.push(...page.runs);
      cursor = page.nextCursor;
    }
    return { kind: "ready", runs: found, unknown: first.unknown, stuck: first.stuck, hasMore: cursor !== null };
  }

  async function attempt(access: Access): Promise<void> {
    const begun = showing;
    askedWith = access.token;
    const isStale = async (): Promise<boolean> =>
      begun !== showing || (await deps.existing())?.token !== access.token || begun !== showing;
    try {
      const state = await read(access);
      if (await isStale()) return;
      pace.answered();
      become(state);
    } catch (error) {
      if (await isStale()) throw error;
      deps.log.warn(`The nightly runs could not be read: ${describe(error)}`);
      pace.failed(error instanceof FunctionError ? error.retryAfter : undefined);
      if (!(error instanceof FunctionError)) {
        const message = "The nightly runs could not be read. The log says why.";
        become({ kind: "failed", message, previous: previousOf(current) });
      } else if (error.code === "reauth_required" || error.code === "unauthorized") become({ kind: "sign-in" });
      else {
        become({ kind: "failed", message: error.message, previous: previousOf(current) });
        if (error.code === "forbidden") deps.onForbidden();
      }
      throw error;
    }
  }

  async function quietly(isWanted: (access: Access) => boolean): Promise<void> {
    try {
      await inTurn(async () => {
        const access = await deps.existing();
        if (access !== undefined && isWanted(access)) await attempt(access);
      });
    } catch (error) {
      if (!(error instanceof FunctionError))
        deps.log.error(`The nightly runs could not be refreshed: ${describe(error)}`);
    }
  }

  async function show(): Promise<void> {
    try {
      await deps.withAccess((access) => inTurn(() => attempt(access)));
    } catch (error) {
      // The state tells.
      if (!(error instanceof FunctionError)) throw error;
    }
  }

  return {
    get current() {
      return current;
    },
    onDidChange: changes.event,
    // For somebody else at once.
    poll: () => quietly(({ token }) => token !== askedWith || pace.isDue()),
    refresh: () => quietly(() => true),
    show,
    showMore: () => {
      if (current.kind === "ready" && current.hasMore) wanted = current.runs.length + aPage;
      return show();
    },
    clear: () => {
      showing = {};
      wanted = aPage;
      askedWith = undefined;
      pace.reset();
      if (current.kind !== "loading") become({ kind: "loading" });
    },
    dispose: () => changes.dispose(),
  };
}

/** The runs that can be shown, old ones included. */
export function previousOf(state: RunListState): ReadyRuns | undefined {
  if (state.kind === "ready") return state;
  return state.kind === "failed" ? state.previous : undefined;
}

export type WaitingRun = NightlyRun & { readonly candidatesHash: string };

/** The run whose list waits for approval: the one with this id, or whichever it is. */
export function waitingRunIn(state: RunListState, id?: string): WaitingRun | undefined {
  for (const run of previousOf(state)?.runs ?? []) {
    const { candidatesHash } = run;
    if (run.state !== "waiting" || candidatesHash === null) continue;
    if (id === undefined || run.id === id) return { ...run, candidatesHash };
  }
  return undefined;
}
