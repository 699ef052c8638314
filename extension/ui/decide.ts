import * as z from "zod/mini";

import type { Decisions } from "../admin/decisions.ts";
import { previousOf, type RunList, type RunListDeps } from "../admin/run-list.ts";
import { type Raise, remarkFault } from "../../functions/contract/raises.ts";
import { FunctionError } from "../account/function-error.ts";
import { CancelledError, presentable, UserError } from "../base/errors.ts";
import { dayOf, usd } from "../keys/wording.ts";
import type { Dialogs } from "./dialogs.ts";

export interface DecideDeps extends Pick<RunListDeps, "withAccess"> {
  readonly list: RunList;
  readonly decisions: Pick<Decisions, "decideRaise" | "decideConflict">;
  readonly dialogs: Dialogs;
}

/** What the administrators' view passes. */
const RaiseArgument = z.object({ raiseId: z.string() });
const ConflictArgument = z.object({ conflictId: z.string() });

/** One click: what is approved ends by itself, so nothing is asked. */
export async function approveRaise(deps: DecideDeps, argument: unknown): Promise<void> {
  const raise = await findRaise(deps, argument, "Approve Request");
  await decideRaise(deps, raise, { decision: "approve" });
}

export async function approveRaiseWithNote(deps: DecideDeps, argument: unknown): Promise<void> {
  const raise = await findRaise(deps, argument, "Approve Request With Note");
  await decideRaise(deps, raise, { decision: "approve", ...(await askNote(deps, raise, "Approve Request With Note")) });
}

export async function refuseRaise(deps: DecideDeps, argument: unknown): Promise<void> {
  const raise = await findRaise(deps, argument, "Refuse Request");
  await decideRaise(deps, raise, { decision: "refuse", ...(await askNote(deps, raise, "Refuse Request")) });
}

type AdminRaise = NonNullable<ReturnType<typeof previousOf>>["raises"][number];

/** The one that was clicked, else the person's choice among those of others. */
async function findRaise({ list, dialogs }: DecideDeps, argument: unknown, title: string): Promise<AdminRaise> {
  const clicked = RaiseArgument.safeParse(argument);
  if (!clicked.success) await list.show();
  const ready = previousOf(list.current);
  const raises = ready?.raises ?? [];
  if (clicked.success) {
    const found = raises.find(({ id }) => id === clicked.data.raiseId);
    if (found === undefined) throw new UserError("This request no longer waits. The list is up to date.");
    return found;
  }
  const ofOthers = raises.filter(({ owner }) => owner.id !== ready?.ownId);
  if (ofOthers.length === 0) throw new UserError("No request waits that you could decide.");
  const picked = await dialogs.pickOne(
    title,
    "Which request?",
    ofOthers.map((raise) => ({
      label: presentable(raise.owner.label),
      description: `${usd(raise.limitUsd)} until ${dayOf(raise.until)}`,
      detail: presentable(raise.reason, 500),
      value: raise,
    })),
  );
  if (picked === undefined) throw new CancelledError();
  return picked;
}

async function askNote({ dialogs }: DecideDeps, { owner }: AdminRaise, title: string): Promise<{ note?: string }> {
  const text = await dialogs.input({
    title,
    prompt: `A word to ${presentable(owner.label)}, if you like. Enter goes on without one.`,
    value: "",
    fault: (typed) => (typed.trim() === "" ? undefined : remarkFault(typed)),
  });
  if (text === undefined) throw new CancelledError();
  return text.trim() === "" ? {} : { note: text.trim() };
}

async function decideRaise(
  { withAccess, decisions, list, dialogs }: DecideDeps,
  raise: AdminRaise,
  request: Parameters<Decisions["decideRaise"]>[2],
): Promise<void> {
  const whom = presentable(raise.owner.label);
  const key = `“${presentable(raise.keyName)}”`;
  const done: Readonly<Record<typeof request.decision, Raise["state"]>> = { approve: "approved", refuse: "refused" };
  try {
    await withAccess((access) => decisions.decideRaise(access, raise.id, request));
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    await list.refresh();
    // A decision stands also when OpenRouter could not be told at once: the request waits no longer then.
    const stands = error.code === "upstream_unavailable" || error.code === "upstream_busy";
    if (!stands) throw error;
    void dialogs.warn(
      `The request of ${whom} is ${done[request.decision]}, and takes effect as soon as OpenRouter answers.`,
    );
    return;
  }
  await list.refresh();
  void dialogs.info(
    request.decision === "approve"
      ? `Approved: ${whom} may spend ${usd(raise.limitUsd)} on ${key} until ${dayOf(raise.until)}.`
      : `Refused: ${whom} keeps what ${key} has.`,
  );
}

/** Whether two accounts with one e-mail are one person. */
export async function decideConflict(deps: DecideDeps, argument: unknown): Promise<void> {
  const { list, dialogs, withAccess, decisions } = deps;
  const { conflictId } = ConflictArgument.parse(argument);
  const conflict = previousOf(list.current)?.conflicts.find(({ id }) => id === conflictId);
  if (conflict === undefined) throw new UserError("This waits no longer. The list is up to date.");
  const whom = presentable(conflict.owner.label);
  const decision = await dialogs.pickOne("Accounts With One E-Mail", `Two accounts came as ${whom}. Who are they?`, [
    {
      label: "One Person",
      detail: "The account that came is theirs from now on, with the keys.",
      value: "merge",
    },
    {
      label: "Two People",
      detail:
        "The e-mail is now that of the account that came, which begins without keys. The one before is signed out and keeps its keys.",
      value: "separate",
    },
    {
      label: "Refuse It",
      detail: "The account that came has no right to this e-mail and is not let in.",
      value: "refuse",
    },
  ] as const);
  if (decision === undefined) throw new CancelledError();
  if (decision !== "refuse" && !(await dialogs.confirm(...sureOf(decision, whom)))) throw new CancelledError();
  await withAccess((access) => decisions.decideConflict(access, conflictId, decision));
  await list.refresh();
  void dialogs.info(`Decided about ${whom}. They can sign in again to see the effect.`);
}

function sureOf(decision: "merge" | "separate", whom: string): readonly [string, string, string] {
  return decision === "merge"
    ? [
        `Are both accounts ${whom}?`,
        "Whoever has the account that came gets the keys. This cannot be undone.",
        "Make Them One",
      ]
    : [
        `Is ${whom} somebody else now?`,
        "The account that came gets the e-mail and begins without keys. The one before is signed out, keeps its keys and is listed as “formerly …”. This cannot be undone.",
        "Separate Them",
      ];
}
