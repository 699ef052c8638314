import type { Disposable } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KeyRing, KeyRingState } from "../keys/key-ring.ts";
import type { SpendSide } from "./spend-side.ts";

interface SpendWatchDeps {
  readonly ring: Pick<KeyRing, "current" | "onDidChange">;
  readonly load: () => Promise<SpendSide>;
  readonly log: Log;
}

interface SpendWatch extends Disposable {
  refresh(): Promise<void>;
  /** False where there is nothing to show. */
  showPage(): Promise<boolean>;
}

/** Loads what follows the money once there may be any: not where nobody has signed in. */
export function createSpendWatch({ ring, load, log }: SpendWatchDeps): SpendWatch {
  let side: Promise<SpendSide | undefined> | undefined;
  let isDisposed = false;

  async function begin(): Promise<SpendSide | undefined> {
    try {
      const loaded = await load();
      if (isDisposed) loaded.dispose();
      return loaded;
    } catch (error) {
      log.error(`The spend cannot be shown: ${describe(error)}`);
      return undefined;
    }
  }
  const follow = (state: KeyRingState): void => {
    if (mayHaveSpend(state)) side ??= begin();
  };
  const subscription = ring.onDidChange(follow);
  follow(ring.current);
  return {
    refresh: async () => (await side)?.refresh(),
    showPage: async () => {
      const loaded = await side;
      await loaded?.showPage();
      return loaded !== undefined;
    },
    dispose: () => {
      isDisposed = true;
      subscription.dispose();
      void side?.then((loaded) => loaded?.dispose());
    },
  };
}

/** An expired session leaves the tools their key. */
function mayHaveSpend(state: KeyRingState): boolean {
  return state.kind === "ready" || state.kind === "failed" || (state.kind === "signed-out" && state.expired);
}
