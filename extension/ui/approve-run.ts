import * as z from "zod/mini";

import type { NightlyRuns } from "../admin/nightly-runs.ts";
import type { RunList, RunListDeps, WaitingRun } from "../admin/run-list.ts";
import { previousOf, waitingRunIn } from "../admin/run-list.ts";
import { candidatesOf, people } from "../admin/run-rows.ts";
import { FunctionError, leavesOutcomeOpen } from "../account/function-error.ts";
import { presentable } from "../base/errors.ts";
import type { Dialogs } from "./dialogs.ts";

export interface ApproveRunDeps extends Pick<RunListDeps, "withAccess"> {
  readonly list: RunList;
  readonly runs: Pick<NightlyRuns, "approve">;
  readonly dialogs: Dialogs;
}

/** What the administrators' view passes; from the palette there is nothing. */
const RunArgument = z.object({ runId: z.string() });
/** Names that fit a dialog on a small screen. */
const mostNamed = 40;

/** The command: who it is about, one question, and the approval of exactly the list that was shown. */
export async function approveRun(deps: ApproveRunDeps, argument: unknown): Promise<void> {
  const { list, dialogs } = deps;
  const clicked = RunArgument.safeParse(argument);
  if (!clicked.success) await list.show();
  const run = waitingRunIn(list.current, clicked.success ? clicked.data.runId : undefined);
  if (run === undefined) {
    void dialogs.info(nothingWaits(list, clicked.success));
    return;
  }
  const whom = people(run.candidates.length);
  if (!(await dialogs.confirm(`End the access of ${whom}?`, consequences(run), `End Access of ${titled(run)}`))) return;

  const refusal = await approve(deps, run);
  await list.refresh();
  if (refusal !== undefined && previousOf(list.current)?.runs.find(({ id }) => id === run.id)?.state !== "approved") {
    void dialogs.warn(refusal);
    return;
  }
  void dialogs.info(`Approved. The next nightly run ends the access of ${whom}.`);
}

/** Undefined when it is approved, else why it is not, as sentences. */
async function approve({ withAccess, runs }: ApproveRunDeps, run: WaitingRun): Promise<string | undefined> {
  try {
    await withAccess((access) => runs.approve(access, run.id, run.candidatesHash));
    return undefined;
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    const opening = leavesOutcomeOpen(error) && error.code !== "conflict" ? "It may not be approved." : "Not approved.";
    return `${opening} ${error.message}`;
  }
}

function nothingWaits({ current }: RunList, wasClicked: boolean): string {
  if (current.kind === "failed") return `It cannot be told whether a run waits for approval. ${current.message}`;
  return wasClicked ? "This run no longer waits for approval." : "No nightly run waits for approval.";
}

function titled({ candidates }: WaitingRun): string {
  return candidates.length === 1 ? "1 Person" : `${candidates.length} People`;
}

/** Who, by what is known of them, and what it means. */
function consequences(run: WaitingRun): string {
  const candidates = candidatesOf(run);
  const named = Map.groupBy(candidates.slice(0, mostNamed), ({ evidence }) => evidence);
  const left = candidates.length - mostNamed;
  const lists = [...named].map(
    ([evidence, some]) => `${some.map(({ owner }) => presentable(owner.label)).join(", ")}: ${presentable(evidence)}`,
  );
  return [
    ...lists,
    ...(left > 0 ? [`And ${left} more, whom the view lists with the reasons.`] : []),
    "The next nightly run ends their sign-ins and disables their keys, which cannot be undone. Whoever is found to work here by then is left alone.",
  ].join("\n\n");
}
