import { minuteOf } from "../policy/rates.ts";
import { clearOverdue } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import { fitLimit } from "./fit-limit.ts";
import { endRaises } from "./raises.ts";
import { sweepReservations } from "./sweep-reservations.ts";

/** What was due by the clock and is done. */
export interface Settled {
  /** Reservations that nobody was working on. */
  readonly swept: number;
  /** Keys that had expired, or were replaced and past their grace. */
  readonly cleared: number;
  readonly endedRaises: number;
  readonly fittedLimits: number;
}

/**
 * Does what is due by the clock, in an order in which nothing waits for what comes after it. Can be killed anywhere and
 * run again, also beside requests and other runs: each piece of work is taken hold of for a time. Throws UpstreamError
 * when OpenRouter cannot be asked; what is left is done the next time.
 */
export async function settleDue(deps: Deps, signal: AbortSignal): Promise<Settled> {
  await deps.keys.eraseSealed(deps.clock());
  await deps.rates.forgetBefore(minuteOf(deps.clock()));
  const endedRaises = await endRaises(deps);
  const swept = await sweepReservations(deps, signal);
  const cleared = await clearOverdue(deps, undefined, signal);
  let fittedLimits = 0;
  while (!signal.aborted && (await fitLimit(deps, signal))) fittedLimits += 1;
  return { swept, cleared, endedRaises, fittedLimits };
}
