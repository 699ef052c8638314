import type { Key } from "../../functions/contract/keys.ts";
import { type Raise, remarkFault } from "../../functions/contract/raises.ts";
import { FunctionError, leavesOutcomeOpen } from "../account/function-error.ts";
import type { Access } from "../account/access-token.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import type { RaiseService } from "../keys/raise-service.ts";
import { dayOf, perWindow, usd } from "../keys/wording.ts";
import { choose, type ChangeKeyDeps } from "./change-key.ts";
import { daysOf, daySteps, pickOrType, typedDays, typedUsd, usdSteps } from "./pick-or-type.ts";
import { withAccess } from "./with-access.ts";

export interface RequestRaiseDeps extends ChangeKeyDeps {
  readonly raises: RaiseService;
  /** The keys on which no other raise can be asked for. */
  readonly openOn: () => ReadonlySet<string>;
  /** Shows what was asked for. Never rejects. */
  readonly asked: () => Promise<void>;
}

const title = "Request Raise";
const dayLength = 24 * 60 * 60_000;

/** The command: how much, how long and why; then an administrator decides. */
export async function requestRaise(deps: RequestRaiseDeps, argument: unknown): Promise<void> {
  const { dialogs } = deps;
  const canBeRaised = ({ id, state }: Key): boolean =>
    (state === "active" || state === "disabled") && !deps.openOn().has(id);
  const { key } = await choose(deps, argument, title, canBeRaised);
  if (deps.openOn().has(key.id)) {
    throw new UserError(`More has been asked for on “${key.name}” already, or is in force. Wait for that one.`);
  }
  const { plan, allowanceUsd } = await withAccess(deps, (access) => deps.service.me(access));
  const window = perWindow(plan.reset);
  if (allowanceUsd < 0.01) {
    throw new UserError(
      `All ${usd(plan.budgetUsd)} ${window} of your plan are given to keys, so “${key.name}” cannot have more. Delete a key that you do not use, or ask for a larger plan.`,
    );
  }

  const limitUsd = await askAmount(deps, key, Math.round((key.limitUsd + allowanceUsd) * 100) / 100, window);
  const until = await askUntil(deps, key, limitUsd);
  const wish = `${usd(limitUsd)} ${window} until ${dayOf(until)}`;
  const reason = await dialogs.input({
    title: `${title} (3/3)`,
    prompt: `Why does “${key.name}” need ${wish}? An administrator reads it and decides. Then it has ${usd(key.limitUsd)} again.`,
    value: "",
    fault: remarkFault,
  });
  if (reason === undefined) throw new CancelledError();

  await withAccess(deps, (access) => send(deps, access, { keyId: key.id, limitUsd, until, reason: reason.trim() }));
  await deps.asked();
  void dialogs.info(`You have asked for ${wish} on “${key.name}”. You are told when it is decided.`);
}

async function askAmount(
  { dialogs }: RequestRaiseDeps,
  { name, limitUsd }: Key,
  most: number,
  window: string,
): Promise<number> {
  const has = `“${name}” has ${usd(limitUsd)} ${window}`;
  const choices = usdSteps(limitUsd, most).map((amount) => ({
    label: usd(amount),
    description: amount === most ? "all that is left of your plan" : `${usd(amount - limitUsd)} more`,
    value: amount,
  }));
  const typing = typedUsd(
    `${has}; your plan leaves room for at most ${usd(most)}.`,
    limitUsd,
    most,
    "that is all your plan leaves for it.",
  );
  return pickOrType(dialogs, `${title} (1/3)`, `${has}. How much should it have for a while?`, choices, typing);
}

/** ISO 8601; never past the key's own end. */
async function askUntil({ dialogs, now }: RequestRaiseDeps, key: Key, limitUsd: number): Promise<string> {
  const begun = now();
  const end = Date.parse(key.expiresAt);
  const whole = Math.max(0, Math.floor((end - begun) / dayLength));
  const untilAfter = (days: number): string => new Date(Math.min(begun + days * dayLength, end)).toISOString();
  const choices = [
    ...daySteps(whole).map((days) => ({
      label: daysOf(days),
      description: `until ${dayOf(untilAfter(days))}`,
      value: days,
    })),
    { label: "As Long as the Key Works", description: `until ${dayOf(key.expiresAt)}`, value: whole + 1 },
  ];
  const typing = typedDays(
    `“${key.name}” expires on ${dayOf(key.expiresAt)}, in ${daysOf(whole)}.`,
    Math.max(1, whole),
    "then the key expires.",
  );
  const days = await pickOrType(
    dialogs,
    `${title} (2/3)`,
    `For how long does it need ${usd(limitUsd)}?`,
    choices,
    typing,
  );
  return untilAfter(days);
}

/** An answer that was lost is looked for: a repeat would be refused, because the key has an open raise then. */
async function send(
  { raises }: RequestRaiseDeps,
  access: Access,
  request: Parameters<RaiseService["ask"]>[1],
): Promise<Raise> {
  try {
    return await raises.ask(access, request);
  } catch (error) {
    if (!(error instanceof FunctionError) || !leavesOutcomeOpen(error)) throw error;
    const listed = await raises.list(access).catch(() => []);
    const arrived = listed.find(
      ({ keyId, state, limitUsd, reason }) =>
        keyId === request.keyId && state === "waiting" && limitUsd === request.limitUsd && reason === request.reason,
    );
    if (arrived === undefined) throw error;
    return arrived;
  }
}
