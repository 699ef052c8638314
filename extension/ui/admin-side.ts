import type { MeAnswer } from "../../functions/contract/account.ts";
import { createNightlyRuns } from "../admin/nightly-runs.ts";
import { createDecisions } from "../admin/decisions.ts";
import type { AdminRow } from "../admin/rows.ts";
import { createRunList, previousOf, type RunListDeps, waitingRunIn } from "../admin/run-list.ts";
import { waitingRaisesOf, waitingRunOf } from "../admin/waiting.ts";
import type { FunctionClient } from "../account/function-client.ts";
import type { SessionStore } from "../account/session.ts";
import { describe } from "../base/errors.ts";
import type { Contexts } from "../manifest.ts";
import { createAdminView } from "./admin-view.ts";
import type { AdminSide } from "./admin.ts";
import { approveRun } from "./approve-run.ts";
import { approveRaise, approveRaiseWithNote, decideConflict, refuseRaise } from "./decide.ts";
import type { Dialogs } from "./dialogs.ts";
import { createWaitingNotice } from "./waiting-notice.ts";

export interface AdminSideDeps extends Omit<RunListDeps, "runs" | "decisions" | "onForbidden"> {
  readonly client: FunctionClient;
  readonly sessions: SessionStore;
  readonly dialogs: Dialogs;
  readonly setState: (state: Contexts["openrouterKeys.adminState"]) => void;
  /** As the editor keeps it for all windows: no secret, and nothing but an id, may be put there. */
  readonly memory: { get(key: string): unknown; update(key: string, value: string): PromiseLike<void> };
  readonly isInFront: () => boolean;
  /** Asks who this is and what waits. Never rejects. */
  readonly recheck: () => Promise<void>;
  /** Runs what a person began, with failures shown to them. Never rejects. */
  readonly run: (what: string, work: () => Promise<void>) => Promise<void>;
}

const recheckEvery = 60 * 60_000;
const isRaise = ({ contextValue }: AdminRow): boolean => contextValue === "raise waiting";

/**
 * What only administrators have: a part of its own, loaded when somebody is one.
 */
export function createAdminSide(deps: AdminSideDeps): AdminSide {
  const { dialogs, memory, run } = deps;
  const runs = createNightlyRuns(deps);
  const decisions = createDecisions(deps);
  const list = createRunList({ ...deps, runs, decisions, onForbidden: () => void deps.recheck() });
  const view = createAdminView({ list, setState: deps.setState, now: deps.clock.now });
  let timer: NodeJS.Timeout | undefined;

  const show = (): Promise<void> => view.busy(list.show);
  const told = (key: string) => ({
    read: () => {
      const mark = memory.get(key);
      return typeof mark === "string" ? mark : undefined;
    },
    write: async (mark: string) => {
      try {
        await memory.update(key, mark);
      } catch (error) {
        deps.log.warn(`It cannot be kept in mind what was told of: ${describe(error)}`);
      }
    },
  });
  const tellOfRaises = createWaitingNotice({
    dialogs,
    severity: "info",
    told: told("admin.toldRaises"),
    isInFront: deps.isInFront,
    clock: deps.clock,
    isShown: async () => {
      if (!view.isVisible()) return false;
      await list.refresh();
      return view.isVisible() && (previousOf(list.current)?.raises.length ?? 0) > 0;
    },
    review: () =>
      run("review waiting requests", async () => {
        await view.reveal();
        await show();
        await view.select(isRaise);
      }),
  });
  const tellOfRun = createWaitingNotice({
    dialogs,
    severity: "warn",
    told: told("admin.toldRun"),
    isInFront: deps.isInFront,
    clock: deps.clock,
    isShown: async (runId) => {
      if (!view.isVisible()) return false;
      await list.refresh();
      return view.isVisible() && waitingRunIn(list.current, runId) !== undefined;
    },
    review: (runId) =>
      run("review a waiting run", async () => {
        await view.reveal();
        await show();
        await view.select((row) => row.runId === runId && row.contextValue === "run waiting");
      }),
  });

  const decideDeps = { ...deps, list, decisions };
  /** What waits is another number then, also where it could not be decided. */
  const decided =
    (decide: (argument: unknown) => Promise<void>) =>
    async (argument: unknown): Promise<void> => {
      try {
        await decide(argument);
      } finally {
        void deps.recheck();
      }
    };

  return {
    follow: (me: MeAnswer | undefined) => {
      view.setWaiting(me);
      if (me === undefined) {
        clearInterval(timer);
        timer = undefined;
        list.clear();
        return;
      }
      timer ??= setInterval(() => void deps.recheck(), recheckEvery);
      if (view.isVisible()) void list.poll();
      void tellOfRun(waitingRunOf(me));
      void tellOfRaises(waitingRaisesOf(me));
    },
    commands: {
      "openrouterKeys.admin.approveRun": decided((argument) => approveRun({ ...deps, list, runs }, argument)),
      "openrouterKeys.admin.approveRaise": decided((argument) => approveRaise(decideDeps, argument)),
      "openrouterKeys.admin.approveRaiseWithNote": decided((argument) => approveRaiseWithNote(decideDeps, argument)),
      "openrouterKeys.admin.refuseRaise": decided((argument) => refuseRaise(decideDeps, argument)),
      "openrouterKeys.admin.decideConflict": decided((argument) => decideConflict(decideDeps, argument)),
      "openrouterKeys.admin.showMore": () => view.busy(list.showMore),
      "openrouterKeys.admin.refresh": async () => {
        // From the palette: somebody wants to see it.
        if (!view.isVisible()) await view.reveal();
        await show();
      },
    },
    dispose: () => {
      clearInterval(timer);
      view.dispose();
      list.dispose();
    },
  };
}
