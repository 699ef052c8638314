import type { Waiting } from "../admin/waiting.ts";
import type { Clock } from "../base/clock.ts";
import type { Dialogs } from "./dialogs.ts";

interface WaitingNoticeDeps {
  readonly dialogs: Pick<Dialogs, "warn" | "info">;
  readonly severity: "warn" | "info";
  /** The mark of what was told of last. Writing never rejects. */
  readonly told: { readonly read: () => string | undefined; readonly write: (mark: string) => Promise<void> };
  /** In the window in front only: every window hears of it. */
  readonly isInFront: () => boolean;
  /** The person sees it already. */
  readonly isShown: (mark: string) => Promise<boolean>;
  readonly clock: Pick<Clock, "sleep">;
  /** Never rejects. */
  readonly review: (mark: string) => Promise<void>;
}

/** For the view to come up at a start or a sign-in, if it is going to. */
const grace = 2_000;

/** Tells an administrator once of what waits for them. Never rejects. */
export function createWaitingNotice(deps: WaitingNoticeDeps) {
  let telling: string | undefined;
  return async (waiting: Waiting | undefined): Promise<void> => {
    if (waiting === undefined || waiting.isToldBy(telling) || !deps.isInFront()) return;
    if (waiting.isToldBy(deps.told.read())) return;
    const { mark } = waiting;
    telling = mark;
    await deps.clock.sleep(grace);
    const isShown = await deps.isShown(mark);
    // Before it is shown: a window that is closed with the message in it has told.
    await deps.told.write(mark);
    if (isShown) return;
    const pressed = await deps.dialogs[deps.severity](waiting.message, "Review", "Later");
    if (pressed === "Review") await deps.review(mark);
  };
}
