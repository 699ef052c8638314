import type { Recipient } from "../contract/keys.ts";
import type { CreateKeyRequest } from "../contract/requests.ts";
import { decideCreate } from "../policy/create-key.ts";
import type { CreateDecision } from "../policy/create-key.ts";
import { upstreamName } from "../policy/key-mark.ts";
import type { Owner } from "./account-store.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { AttemptRef, KeyRow } from "./key-store.ts";
import { ownPlan } from "./own-plan.ts";
import { UpstreamError, askUpstream, upstreamProblem } from "./provisioner.ts";
import { removeStrays } from "./remove-strays.ts";
import { sha256 } from "./secrets.ts";

/** A request works on its reservation at most this long; then a retry may take it over. */
const leaseMs = 30_000;
/** Leaves room to confirm within the lease. */
const workMs = 25_000;
const sealedForMs = 24 * 3_600_000;

/**
 * Makes one key, whatever crashes: reserve, ask OpenRouter once, confirm.
 *
 * A create whose answer is lost leaves a reservation whose mark is in the key's upstream name. Whoever works on that
 * reservation next, a retry or the sweeper, first removes every upstream key with that mark, so no attempt leaves a
 * key behind; and a stale attempt's confirmation changes nothing, so no row is ever without its key.
 */
export async function createKey(
  deps: Deps,
  owner: Owner,
  request: CreateKeyRequest,
  idempotencyKey: string,
): Promise<{ key: KeyRow; sealedSecret: string | null }> {
  const plan = ownPlan(deps.rules, owner);
  const now = deps.clock();
  const wish = {
    limitCents: request.limitUsd === undefined ? undefined : Math.round(request.limitUsd * 100),
    expiresAt: request.expiresAt === undefined ? undefined : Date.parse(request.expiresAt),
  };
  const outcome = await deps.keys.reserve({
    keyId: crypto.randomUUID(),
    ownerId: owner.id,
    idempotencyKey,
    bodyHash: await sha256(
      JSON.stringify([request.name, request.limitUsd, request.expiresAt, request.recipient.x, request.recipient.y]),
    ),
    name: request.name,
    reset: plan.reset,
    workspaceId: plan.workspaceId,
    now,
    leaseUntil: now + leaseMs,
    decide: (facts) => decideCreate(plan, facts, wish),
  });
  switch (outcome.kind) {
    case "done":
      return outcome;
    case "mismatch":
      throw new ServiceError(
        "idempotency_mismatch",
        "This Idempotency-Key was used for another request. Use a fresh one.",
      );
    case "running":
      throw new ServiceError("conflict", "The first request with this Idempotency-Key is still running.", {
        // Most creates end within a second or two; whoever has crashed is waited for by asking again.
        retryAfter: 2,
      });
    case "refused":
      throw refusal(outcome.decision);
    case "reserved":
      return make(deps, owner, outcome.key, outcome.attempt, request.recipient);
  }
}

async function make(
  deps: Deps,
  owner: Owner,
  row: KeyRow,
  attempt: number,
  recipient: Recipient,
): Promise<{ key: KeyRow; sealedSecret: string }> {
  const reference: AttemptRef = { keyId: row.id, attempt };
  const signal = AbortSignal.timeout(workMs);
  const made = await ask(deps, owner, row, reference, signal);
  const sealedSecret = await deps.seal(made.secret, recipient);
  // When this throws, the row may or may not be confirmed; both are mended by a retry, while removing the key here
  // could leave a confirmed row without one.
  const isConfirmed = await deps.keys.confirm({
    ...reference,
    upstreamHash: made.hash,
    label: made.label,
    sealedSecret,
    sealedUntil: deps.clock() + sealedForMs,
  });
  if (!isConfirmed) {
    await askUpstream(() => deps.provisioner.deleteKey(made.hash, signal));
    throw new ServiceError("conflict", "Another request has taken this one over. Ask again for its answer.", {
      retryAfter: 1,
    });
  }
  return { key: { ...row, lifecycle: "live", attempt, upstreamHash: made.hash, label: made.label }, sealedSecret };
}

/** One create at OpenRouter, after what earlier attempts may have left is gone. */
async function ask(
  deps: Deps,
  owner: Owner,
  row: KeyRow,
  reference: AttemptRef,
  signal: AbortSignal,
): Promise<{ hash: string; label: string; secret: string }> {
  const deployment = await deps.keys.deployment();
  try {
    if (reference.attempt > 1) await removeStrays(deps, row, reference.attempt - 1, signal);
    const { key, secret } = await deps.provisioner.createKey(
      {
        name: upstreamName(row.name, owner.email, { deployment, ...reference }),
        limitUsd: row.limitCents / 100,
        reset: row.reset,
        expiresAt: new Date(row.expiresAt),
        workspaceId: row.workspaceId ?? undefined,
      },
      signal,
    );
    return { hash: key.hash, label: key.label, secret };
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    await settle(deps, row, reference, error, signal);
    throw upstreamProblem(error);
  }
}

/** Leaves nothing behind where that can be done now; what cannot stays reserved for a retry or the sweeper. */
async function settle(
  deps: Deps,
  row: KeyRow,
  reference: AttemptRef,
  error: UpstreamError,
  signal: AbortSignal,
): Promise<void> {
  if (error.kind === "refused") return deps.keys.release(reference, deps.clock());
  if (error.kind === "lost") {
    try {
      await removeStrays(deps, row, reference.attempt, signal);
    } catch (cleanup) {
      // The reservation remembers the mark; the next attempt starts with the same clean-up.
      if (!(cleanup instanceof UpstreamError)) throw cleanup;
    }
  }
  return deps.keys.endLease(reference, deps.clock());
}

function refusal(decision: Exclude<CreateDecision, { kind: "grant" }>): ServiceError {
  return decision.kind === "wait"
    ? new ServiceError("rate_limited", decision.reason, { retryAfter: decision.seconds })
    : new ServiceError(decision.code, decision.reason);
}
