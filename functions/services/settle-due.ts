import { minuteOf } from "../policy/rates.ts";
import { clearOverdue } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import { fitLimit } from "./fit-limit.ts";
import { UpstreamError } from "./provisioner.ts";
import { endRaises } from "./raises.ts";
import { revokeKeys } from "./revoke-keys.ts";
import { sweepReservations } from "./sweep-reservations.ts";

/** What was due by the clock and is done. */
export interface Settled {
  /** Reservations that nobody was working on. */
  readonly swept: number;
  /** Keys that had expired, or were replaced and past their grace. */
  readonly cleared: number;
  readonly endedRaises: number;
  readonly fittedLimits: number;
  /** Leavers' keys that were seen disabled. */
  readonly revoked: number;
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
  let failure: UpstreamError | undefined;
  // One reservation or key that OpenRouter will not hear of must not hold up everybody else's.
  const attempt = (work: Promise<number>) =>
    work.catch((error: unknown) => {
      if (!(error instanceof UpstreamError)) throw error;
      failure ??= error;
      return 0;
    });
  const swept = await attempt(sweepReservations(deps, signal));
  const cleared = await attempt(clearOverdue(deps, undefined, signal));
  const fittedLimits = await attempt(fitLimits(deps, signal));
  const revoked = await revokeKeys(deps, signal, false);
  if (failure !== undefined) throw failure;
  return { swept, cleared, endedRaises, fittedLimits, revoked };
}

async function fitLimits(deps: Deps, signal: AbortSignal): Promise<number> {
  let fitted = 0;
  while (!signal.aborted && (await fitLimit(deps, signal))) fitted += 1;
  return fitted;
}
