import * as vscode from "vscode";

import type { AddressReading } from "../account/function-address.ts";
import type { Fetch } from "../account/function-client.ts";
import type { Clock } from "../base/clock.ts";
import type { Disposable } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isLive } from "../keys/key-row.ts";
import { type KeyRing, previousOf } from "../keys/key-ring.ts";
import { createLiveSpend } from "../keys/live-spend.ts";
import { takeAlert } from "../keys/spend-alert.ts";
import { createSpendHistory, type Memory, type SpendHistory } from "../keys/spend-history.ts";
import { spendReport } from "../keys/spend-report.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import type { Dialogs } from "./dialogs.ts";
import { pollWhileVisible } from "./poll-while-visible.ts";
import { runCommand } from "./run-command.ts";
import type { SpendPage } from "./spend-page.ts";
import { createSpendStatus } from "./spend-status.ts";
import { tellAlert } from "./tell-alert.ts";

interface SpendSideDeps {
  readonly ring: KeyRing;
  readonly served: ToolsKeyChoice["served"];
  readonly openRouterUrl: () => AddressReading;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly memory: Memory;
  readonly dialogs: Dialogs;
  /** Where the files of the spend page are. */
  readonly pageFiles: vscode.Uri;
  readonly log: Log;
}

export interface SpendSide extends Disposable {
  showPage(): Promise<void>;
  /** Asks OpenRouter now. Never rejects. */
  refresh(): Promise<void>;
}

/** Everything about money over time: the status bar, what is remembered of each day, and the alerts. */
export function createSpendSide({ ring, served, memory, dialogs, pageFiles, log, ...deps }: SpendSideDeps): SpendSide {
  const { clock } = deps;
  const live = createLiveSpend({ served, log, ...deps });
  const history = createSpendHistory(memory);
  const read = (): ReturnType<SpendHistory["read"]> => history.read(ownerNow(), clock.now());
  let owner = "";
  const ownerNow = (): string => (live.current.kind === "key" ? live.current.owner : owner);
  const status = createSpendStatus({ ring, live, days: () => read().days });

  const safely = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.error(`The spend could not be followed: ${describe(error)}`);
    }
  };
  const noteLive = async (): Promise<void> => {
    const { current } = live;
    if (current.kind === "none" || current.reading === undefined || current.fault !== undefined) return;
    const { keyId, reading } = current;
    const name = previousOf(ring.current)?.keys.find(({ id }) => id === keyId)?.name;
    await history.note(current.owner, reading.at, [{ keyId, name, dayUsd: reading.dayUsd }]);
    changed();
    // Other windows see the same: the one in front says it.
    if (!vscode.window.state.focused) return;
    const percent = await takeAlert(memory, keyId, reading);
    if (percent !== undefined) void tellAlert(dialogs, { keyId, name, percent, reading });
  };
  const noteRing = async (): Promise<void> => {
    void live.poll();
    if (ring.current.kind !== "ready") return;
    const { keys, asOf, me } = ring.current;
    owner = me.account.id;
    const seen = keys
      .filter(isLive)
      .flatMap(({ id, name, spend }) => (spend === null ? [] : [{ keyId: id, name, dayUsd: spend.dayUsd }]));
    await history.note(owner, Date.parse(asOf), seen);
    changed();
  };

  let page: SpendPage | undefined;
  const refresh = async (): Promise<void> => {
    await Promise.all([ring.poll(), live.refresh()]);
  };
  const changed = (): void => {
    status.show();
    page?.update();
  };

  const subscriptions = [
    live,
    status,
    live.onDidChange(() => void safely(noteLive)),
    ring.onDidChange(() => void safely(noteRing)),
    pollWhileVisible(undefined, live.poll),
  ];
  void safely(noteRing);
  return {
    refresh: live.refresh,
    showPage: async () => {
      const { createSpendPage } = await import("./spend-page.ts");
      page ??= createSpendPage({
        files: pageFiles,
        report: () => spendReport({ state: ring.current, live: live.current, history: read(), now: clock.now() }),
        refresh,
        run: (what, work) => runCommand({ dialogs, log }, what, work),
      });
      page.show();
    },
    dispose: () => {
      page?.dispose();
      for (const subscription of subscriptions) subscription.dispose();
    },
  };
}
