import type { MeAnswer } from "../../functions/contract/account.ts";
import { seemToHaveLeft } from "../admin/run-rows.ts";
import type { Clock } from "../base/clock.ts";
import type { Dialogs } from "./dialogs.ts";

interface WaitingNoticeDeps {
  readonly dialogs: Pick<Dialogs, "warn">;
  /** The id of the run that was told of last, over all windows and starts. Writing never rejects. */
  readonly told: { readonly read: () => string | undefined; readonly write: (runId: string) => Promise<void> };
  /** In the window in front only: every window hears of the run. */
  readonly isInFront: () => boolean;
  /** The person sees it already. */
  readonly isShown: (runId: string) => Promise<boolean>;
  readonly clock: Pick<Clock, "sleep">;
  /** Never rejects. */
  readonly review: (runId: string) => Promise<void>;
}

/** For the view to come up at a start or a sign-in, if it is going to. */
const grace = 2_000;

/** Tells an administrator once of each run that waits for approval. Never rejects. */
export function createWaitingNotice(deps: WaitingNoticeDeps) {
  let telling: string | undefined;
  return async (waiting: MeAnswer["waitingRun"]): Promise<void> => {
    if (waiting === undefined || waiting.id === telling || !deps.isInFront()) return;
    if (deps.told.read() === waiting.id) return;
    telling = waiting.id;
    await deps.clock.sleep(grace);
    const isShown = await deps.isShown(waiting.id);
    // Before it is shown: a window that is closed with the message in it has told.
    await deps.told.write(waiting.id);
    if (isShown) return;
    const message = `${seemToHaveLeft(waiting.people)}, more than a day may bring. Nobody's access has ended: an administrator has to approve the list.`;
    const pressed = await deps.dialogs.warn(message, "Review", "Later");
    if (pressed === "Review") await deps.review(waiting.id);
  };
}
