import type { MeAnswer } from "../../functions/contract/account.ts";
import { createNightlyRuns } from "../admin/nightly-runs.ts";
import { createRunList, type RunListDeps, waitingRunIn } from "../admin/run-list.ts";
import type { FunctionClient } from "../account/function-client.ts";
import type { SessionStore } from "../account/session.ts";
import { describe } from "../base/errors.ts";
import type { Contexts } from "../manifest.ts";
import { createAdminView } from "./admin-view.ts";
import type { AdminSide } from "./admin.ts";
import { approveRun } from "./approve-run.ts";
import type { Dialogs } from "./dialogs.ts";
import { createWaitingNotice } from "./waiting-notice.ts";

export interface AdminSideDeps extends Omit<RunListDeps, "runs" | "onForbidden"> {
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
const toldKey = "admin.toldRun";

/** What only administrators have: loaded when somebody is one. */
export function createAdminSide(deps: AdminSideDeps): AdminSide {
  const { dialogs, memory, run } = deps;
  const runs = createNightlyRuns(deps);
  const list = createRunList({ ...deps, runs, onForbidden: () => void deps.recheck() });
  const view = createAdminView({ list, setState: deps.setState, now: deps.clock.now });
  let timer: NodeJS.Timeout | undefined;

  const show = (): Promise<void> => view.busy(list.show);
  const notice = createWaitingNotice({
    dialogs,
    told: {
      read: () => {
        const id = memory.get(toldKey);
        return typeof id === "string" ? id : undefined;
      },
      write: async (runId) => {
        try {
          await memory.update(toldKey, runId);
        } catch (error) {
          deps.log.warn(`It cannot be kept in mind that a run was told of: ${describe(error)}`);
        }
      },
    },
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
        await view.select(runId);
      }),
  });

  return {
    follow: (me: MeAnswer | undefined) => {
      view.setWaiting(me?.waitingRun?.people);
      if (me === undefined) {
        clearInterval(timer);
        timer = undefined;
        list.clear();
        return;
      }
      timer ??= setInterval(() => void deps.recheck(), recheckEvery);
      if (view.isVisible()) void list.poll();
      void notice(me.waitingRun);
    },
    refresh: async () => {
      // From the palette: somebody wants to see it.
      if (!view.isVisible()) await view.reveal();
      await show();
    },
    showMore: () => view.busy(list.showMore),
    approve: async (argument) => {
      await approveRun({ ...deps, list, runs }, argument);
      await deps.recheck();
    },
    dispose: () => {
      clearInterval(timer);
      view.dispose();
      list.dispose();
    },
  };
}
