import type { AddressReading } from "../account/function-address.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LiveCheck } from "../keys/live-check.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import type { ToolId } from "../tools/catalogue.ts";
import type { ToolOutcome, ToolSetup } from "../tools/tool-setup.ts";

export interface ProveDeps {
  readonly toolsKey: Pick<ToolsKeyChoice, "readSecret">;
  readonly openRouterUrl: () => AddressReading;
  readonly checkLive: (base: string, secret: string, signal: AbortSignal) => Promise<LiveCheck>;
  /** Resolves when the key helper is answered. Never rejects. */
  readonly serve: () => Promise<void>;
  readonly log: Log;
}

export interface Proof {
  /** The tools that would get no key, each with why. */
  readonly failed: readonly ToolOutcome[];
  /** Sentences about the key itself and about what could not be found out; empty when all is well. */
  readonly notes: readonly string[];
}

/** Enough for a helper on a busy machine and for a slow answer of OpenRouter; nobody waits longer for a check. */
const mostMilliseconds = 20_000;

/**
 * Proves that tools that were just set up get a key that works, without spending anything: what each reads is read back,
 * the key helper is run as a tool runs it, and OpenRouter is asked about the key, unless it has just been
 * (`isKeyChecked`). The tools stay as they are, also when the person cancels. Never rejects.
 */
export async function proveTools(
  deps: ProveDeps,
  setup: Pick<ToolSetup, "verify">,
  ids: readonly ToolId[],
  { signal: cancel, isKeyChecked }: { readonly signal: AbortSignal; readonly isKeyChecked: boolean },
): Promise<Proof> {
  if (ids.length === 0) return { failed: [], notes: [] };
  const signal = AbortSignal.any([cancel, AbortSignal.timeout(mostMilliseconds)]);
  try {
    await deps.serve();
    const [failed, notes] = await Promise.all([
      setup.verify(ids, signal),
      isKeyChecked ? [] : notesOnKey(deps, signal),
    ]);
    return { failed, notes };
  } catch (error) {
    if (!signal.aborted) deps.log.error(`The tools could not be checked: ${describe(error)}`);
    const why = cancel.aborted || !signal.aborted ? "." : `: it took longer than ${mostMilliseconds / 1000} seconds.`;
    return { failed: [], notes: [`Whether it works was not checked${why}`] };
  }
}

async function notesOnKey(deps: ProveDeps, signal: AbortSignal): Promise<readonly string[]> {
  const reading = deps.openRouterUrl();
  const secret = await deps.toolsKey.readSecret();
  if (reading.kind !== "address" || secret === undefined) return [];
  const check = await deps.checkLive(reading.address.base, secret, signal);
  return check.kind === "works" ? [] : [check.message];
}
