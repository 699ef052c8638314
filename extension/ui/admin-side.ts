import * as z from "zod/mini";

import type { MeAnswer } from "../../functions/contract/account.ts";
import type { AdminKey, AuditRecord } from "../../functions/contract/admin.ts";
import { createNightlyRuns } from "../admin/nightly-runs.ts";
import { createCompanyKeys, type KeyFilter } from "../admin/company-keys.ts";
import { createPages } from "../admin/pages.ts";
import { createViewMemory } from "../admin/view-memory.ts";
import { createDecisions } from "../admin/decisions.ts";
import type { AdminRow } from "../admin/rows.ts";
import { createRunList, previousOf, type RunListDeps, waitingRunIn } from "../admin/run-list.ts";
import { waitingRaisesOf, waitingRunOf } from "../admin/waiting.ts";
import type { FunctionClient } from "../account/function-client.ts";
import type { SessionStore } from "../account/session.ts";
import { describe } from "../base/errors.ts";
import type { Memory } from "../base/memory.ts";
import type { Contexts } from "../manifest.ts";
import { createAdminView } from "./admin-view.ts";
import type { AdminSide } from "./admin.ts";
import { approveRun } from "./approve-run.ts";
import { approveRaise, approveRaiseWithNote, decideConflict, refuseRaise } from "./decide.ts";
import { askSearch, askState, deleteCompanyKey, disableCompanyKey, enableCompanyKey } from "./company-key.ts";
import type { Dialogs } from "./dialogs.ts";
import { exportKeys, type ExportKeysDeps } from "./export-keys.ts";
import { createWaitingNotice } from "./waiting-notice.ts";

export interface AdminSideDeps extends Omit<RunListDeps, "runs" | "decisions" | "onForbidden"> {
  readonly client: FunctionClient;
  readonly sessions: SessionStore;
  readonly dialogs: Dialogs;
  readonly setState: (state: Contexts["openrouterKeys.adminState"]) => void;
  /** As the editor keeps it for all windows: no secret may be put there. */
  readonly memory: Memory;
  readonly chooseFile: ExportKeysDeps["chooseFile"];
  readonly isInFront: () => boolean;
  /** Asks who this is and what waits. Never rejects. */
  readonly recheck: () => Promise<void>;
  /** Runs what a person began, with failures shown to them. Never rejects. */
  readonly run: (what: string, work: () => Promise<void>) => Promise<void>;
}

/** What a row with more behind it passes. */
const ListArgument = z.object({ list: z.optional(z.enum(["keys", "record"])) });
const recheckEvery = 60 * 60_000;
const isRaise = ({ contextValue }: AdminRow): boolean => contextValue === "raise waiting";

/** What only administrators have: loaded when somebody is one. */
export function createAdminSide(deps: AdminSideDeps): AdminSide {
  const { dialogs, memory, run } = deps;
  const runs = createNightlyRuns(deps);
  const decisions = createDecisions(deps);
  const list = createRunList({ ...deps, runs, decisions, onForbidden: () => void deps.recheck() });
  const companyKeys = createCompanyKeys(deps);
  const viewMemory = createViewMemory(memory, deps.log);
  const keys = createPages<AdminKey>({
    ...deps,
    what: "The company's keys",
    read: async (access, cursor) => {
      const { keys, nextCursor, total } = await companyKeys.list(access, viewMemory.filter.get(), cursor);
      return { items: keys, nextCursor, total };
    },
  });
  const record = createPages<AuditRecord>({
    ...deps,
    what: "The record",
    read: async (access, cursor) => {
      const { entries, nextCursor } = await companyKeys.record(access, cursor);
      return { items: entries, nextCursor };
    },
  });
  const view = createAdminView({
    list,
    keys,
    record,
    memory: viewMemory,
    setState: deps.setState,
    now: deps.clock.now,
  });
  let timer: NodeJS.Timeout | undefined;

  /** What waits, and of the long lists what somebody has wanted to see. */
  const show = (): Promise<void> =>
    view.busy(async () => {
      await list.show();
      if (list.current.kind !== "ready") return;
      for (const pages of [keys, record]) if (pages.current.kind !== "idle") await pages.show();
    });
  const filterBy = async (filter: KeyFilter): Promise<void> => {
    viewMemory.filter.set(filter);
    if (!view.isVisible()) await view.reveal();
    await view.busy(async () => {
      if (previousOf(list.current) === undefined) await list.show();
      await keys.restart();
    });
    await view.select(({ id }) => id === "keys");
  };
  const keyDeps = { ...deps, companyKeys, pages: keys };
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
        for (const each of [list, keys, record]) each.clear();
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
      "openrouterKeys.admin.searchKeys": async () => {
        const { state } = viewMemory.filter.get();
        await filterBy({ q: await askSearch(dialogs, viewMemory.filter.get()), state });
      },
      "openrouterKeys.admin.filterKeys": async () => {
        const { q } = viewMemory.filter.get();
        await filterBy({ q, state: await askState(dialogs) });
      },
      "openrouterKeys.admin.disableKey": (argument) => disableCompanyKey(keyDeps, argument),
      "openrouterKeys.admin.enableKey": (argument) => enableCompanyKey(keyDeps, argument),
      "openrouterKeys.admin.deleteKey": (argument) => deleteCompanyKey(keyDeps, argument),
      "openrouterKeys.admin.exportKeys": () => exportKeys(deps, viewMemory.filter.get()),
      "openrouterKeys.admin.showMore": (argument) => {
        const { list: name } = ListArgument.parse(argument);
        return view.busy((name === "keys" ? keys : name === "record" ? record : list).showMore);
      },
      "openrouterKeys.admin.refresh": async () => {
        // From the palette: somebody wants to see it.
        if (!view.isVisible()) await view.reveal();
        await show();
      },
    },
    dispose: () => {
      clearInterval(timer);
      view.dispose();
      for (const each of [list, keys, record]) each.dispose();
    },
  };
}
