import type { Recipient } from "../contract/keys.ts";
import type { CreateDecision } from "../policy/create-key.ts";
import { upstreamName } from "../policy/key-mark.ts";
import type { Plan } from "../policy/plan.ts";
import type { Acting, AuditEntry } from "./audit.ts";
import type { Deps, Seal } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { AttemptRef, Confirmation, KeyRow } from "./key-store.ts";
import { UpstreamError, askUpstream, upstreamProblem } from "./provisioner.ts";
import { removeStrays } from "./remove-strays.ts";

/** A request works on its reservation at most this long; then a retry may take it over. */
export const leaseMs = 30_000;
/** Leaves room to confirm within the lease. */
const workMs = 25_000;
const sealedForMs = 24 * 3_600_000;

/** A key that is made, or was made by an earlier request with the same idempotency key. */
export interface MadeKey {
  readonly key: KeyRow;
  /** Null once received or too old. */
  readonly sealedSecret: string | null;
}

export interface MakeRequest {
  readonly acting: Acting;
  readonly plan: Plan;
  readonly row: KeyRow;
  readonly attempt: number;
  readonly seal: Seal;
  readonly replaces: Confirmation["replaces"];
  readonly audit: AuditEntry;
}

/**
 * Turns a reservation into a key: asks OpenRouter once, puts the key under the plan's guardrail, seals, confirms.
 *
 * A create whose answer is lost leaves a reservation whose mark is in the key's upstream name. Whoever works on that
 * reservation next, a retry or the sweeper, first removes every upstream key with that mark, so no attempt leaves a
 * key behind; and a stale attempt's confirmation changes nothing, so no row is ever without its key.
 */
export async function makeKey(deps: Deps, request: MakeRequest): Promise<MadeKey> {
  const { row, attempt } = request;
  const signal = AbortSignal.timeout(workMs);
  const made = await ask(deps, request, signal);
  const sealedSecret = request.seal(made.secret);
  // When this throws, the row may or may not be confirmed; both are mended by a retry, while removing the key here
  // could leave a confirmed row without one.
  const isConfirmed = await deps.keys.confirm({
    keyId: row.id,
    attempt,
    upstreamHash: made.hash,
    label: made.label,
    sealedSecret,
    sealedUntil: deps.clock() + sealedForMs,
    replaces: request.replaces,
    audit: request.audit,
  });
  if (!isConfirmed) {
    await askUpstream(() => deps.provisioner.deleteKey(made.hash, signal));
    throw new ServiceError("conflict", "Another request has taken this one over. Ask again for its answer.", {
      retryAfter: 1,
    });
  }
  return { key: { ...row, phase: "live", attempt, upstreamHash: made.hash, label: made.label }, sealedSecret };
}

/** Before anything is reserved: nobody could open what is sealed to a key that is none. */
export async function sealFor(deps: Deps, recipient: Recipient): Promise<Seal> {
  const seal = await deps.prepareSeal(recipient);
  if (seal !== undefined) return seal;
  throw new ServiceError(
    "invalid_request",
    "The recipient is not a public key on the curve P-256. Make a new key pair.",
  );
}

/** One create at OpenRouter, after what earlier attempts may have left is gone. */
async function ask(
  deps: Deps,
  { acting, plan, row, attempt }: MakeRequest,
  signal: AbortSignal,
): Promise<{ hash: string; label: string; secret: string }> {
  const reference = { keyId: row.id, attempt };
  const deployment = await deps.keys.deployment();
  let made: Awaited<ReturnType<Deps["provisioner"]["createKey"]>>;
  try {
    if (attempt > 1) await removeStrays(deps, row, attempt - 1, signal);
    made = await deps.provisioner.createKey(
      {
        name: upstreamName(row.name, acting.owner.email, { deployment, ...reference }),
        limitUsd: row.limitCents / 100,
        reset: row.reset,
        expiresAt: new Date(row.expiresAt),
        workspaceId: row.workspaceId ?? undefined,
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    await settle(deps, row, reference, error, signal);
    throw upstreamProblem(error);
  }
  await govern(deps, plan, reference, made.key.hash, signal);
  return { hash: made.key.hash, label: made.key.label, secret: made.secret };
}

/** Nobody ever gets a key that is not under the plan's guardrail: where it cannot be put on, the key is removed. */
async function govern(deps: Deps, plan: Plan, reference: AttemptRef, hash: string, signal: AbortSignal): Promise<void> {
  if (plan.guardrailId === undefined) return;
  try {
    await deps.provisioner.assignGuardrail(plan.guardrailId, hash, signal);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    await removeAndRelease(deps, reference, hash, signal);
    throw error.kind === "refused"
      ? new ServiceError(
          "upstream_refused",
          "Your plan's guardrail cannot be put on the key, so the key was removed. An administrator should check guardrailId in your plan.",
          { cause: error },
        )
      : upstreamProblem(error);
  }
}

async function removeAndRelease(deps: Deps, reference: AttemptRef, hash: string, signal: AbortSignal): Promise<void> {
  try {
    await deps.provisioner.deleteKey(hash, signal);
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    // The reservation remembers the mark; the next attempt or the sweeper removes what is left.
    return deps.keys.endLease(reference, deps.clock());
  }
  return deps.keys.release(reference);
}

/** Leaves nothing behind where that can be done now; what cannot stays reserved for a retry or the sweeper. */
async function settle(
  deps: Deps,
  row: KeyRow,
  reference: AttemptRef,
  error: UpstreamError,
  signal: AbortSignal,
): Promise<void> {
  if (error.kind === "refused" && !error.mayBeDone) return deps.keys.release(reference);
  if (error.mayBeDone) {
    try {
      await removeStrays(deps, row, reference.attempt, signal);
    } catch (cleanup) {
      // The reservation remembers the mark; the next attempt starts with the same clean-up.
      if (!(cleanup instanceof UpstreamError)) throw cleanup;
    }
  }
  return deps.keys.endLease(reference, deps.clock());
}

export function idempotencyMismatch(): ServiceError {
  return new ServiceError(
    "idempotency_mismatch",
    "This Idempotency-Key was used for another request. Use a fresh one.",
  );
}

export function stillRunning(): ServiceError {
  // Most creates end within a second or two; whoever has crashed is waited for by asking again.
  return new ServiceError("conflict", "The first request with this Idempotency-Key is still running.", {
    retryAfter: 2,
  });
}

/** `overdue`: how many of the owner's keys are over and still hold their limits. */
export function refusal(decision: Exclude<CreateDecision, { kind: "grant" }>, overdue: number): ServiceError {
  if (overdue > 0 && decision.kind === "refuse" && decision.code === "allowance_spent") {
    return new ServiceError(
      "conflict",
      "A key whose time is over is still being cleared away. Try again in a moment.",
      {
        retryAfter: 5,
      },
    );
  }
  return decision.kind === "wait"
    ? new ServiceError("rate_limited", decision.reason, { retryAfter: decision.seconds })
    : new ServiceError(decision.code, decision.reason);
}
