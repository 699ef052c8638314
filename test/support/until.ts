import { setTimeout as delay } from "node:timers/promises";

/** Waits for what happens elsewhere and does not say so. Throws when it does not happen in time. */
export async function until(isTrue: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await isTrue()); await delay(5)) {
    if (Date.now() > deadline) throw new Error("It did not come true in time.");
  }
}
