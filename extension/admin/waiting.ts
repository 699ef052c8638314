import type { MeAnswer } from "../../functions/contract/account.ts";
import { seemToHaveLeft } from "./run-rows.ts";

/** What an administrator is told of, by what the function says to anybody who is one. */
export interface Waiting {
  /** What is kept of it, over all windows and starts. */
  readonly mark: string;
  /** By the mark that was kept last. */
  readonly isToldBy: (told: string | undefined) => boolean;
  readonly message: string;
}

export function waitingRunOf({ waitingRun }: Pick<MeAnswer, "waitingRun">): Waiting | undefined {
  if (waitingRun === undefined) return undefined;
  return {
    mark: waitingRun.id,
    isToldBy: (told) => told === waitingRun.id,
    message: `${seemToHaveLeft(waitingRun.people)}, more than a day may bring. Nobody's access has ended: an administrator has to approve the list.`,
  };
}

/** By time: when the newest is decided, those that are left are none the newer. */
export function waitingRaisesOf({ waitingRaises }: Pick<MeAnswer, "waitingRaises">): Waiting | undefined {
  if (waitingRaises === undefined) return undefined;
  const { newestAt, count } = waitingRaises;
  return {
    mark: newestAt,
    isToldBy: (told) => told !== undefined && Date.parse(told) >= Date.parse(newestAt),
    message: `${count === 1 ? "1 request for more waits" : `${count} requests for more wait`} for an administrator.`,
  };
}
