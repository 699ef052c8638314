import type { Key } from "../../functions/contract/keys.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyRing } from "./key-ring.ts";

interface KeyInUseDeps {
  readonly ring: Pick<KeyRing, "current" | "refresh">;
  readonly clock: Pick<Clock, "sleep">;
}

/** Whoever waits for a reason is not kept waiting for long. */
const patience = 4000;

/** The key that tools use, as the function knows it just now; undefined where it does not say so soon. Never rejects. */
export async function readKeyInUse({ ring, clock }: KeyInUseDeps): Promise<Key | undefined> {
  const stop = new AbortController();
  await Promise.race([ring.refresh(), clock.sleep(patience, stop.signal).catch(() => undefined)]);
  stop.abort();
  const state = ring.current;
  return state.kind === "ready" ? state.keys.find(({ id }) => id === state.toolsKeyId) : undefined;
}
