import type { Disposable } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import { lazily } from "../base/lazily.ts";
import type { Log } from "../base/log.ts";
import type { KeyRing, KeyRingState, ReadyKeys } from "../keys/key-ring.ts";

/** What most starts do not need: loaded with the first list of keys for which it is wanted, then told of every state. */
export function followLater(
  ring: Pick<KeyRing, "onDidChange">,
  isWantedFor: (keys: ReadyKeys) => boolean,
  load: () => Promise<{ follow(state: KeyRingState): Promise<void> }>,
  log: Log,
): Disposable {
  let isWanted = false;
  const follower = lazily(load);
  const follow = async (state: KeyRingState): Promise<void> => {
    isWanted ||= state.kind === "ready" && isWantedFor(state);
    if (isWanted) await (await follower()).follow(state);
  };
  return ring.onDidChange((state) => {
    follow(state).catch((error: unknown) => log.error(`What follows the keys has failed: ${describe(error)}`));
  });
}
