import type { RotateKeyRequest } from "../contract/requests.ts";
import { spentCents } from "../policy/allowance.ts";
import { decideRotate, retireTime } from "../policy/rotate-key.ts";
import type { Acting } from "./audit.ts";
import { asOwner, clockActor } from "./audit.ts";
import { clearOverdue } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import { fitLimit } from "./fit-limit.ts";
import type { KeyRow } from "./key-store.ts";
import type { MadeKey } from "./make-key.ts";
import { idempotencyMismatch, leaseMs, makeKey, refusal, sealFor, stillRunning } from "./make-key.ts";
import { requireActive } from "./ask-directory.ts";
import { ownPlan } from "./own-plan.ts";
import { askUpstream, windowSpendUsd } from "./provisioner.ts";
import { sha256 } from "./secrets.ts";
import { offboarded } from "./sessions.ts";

export interface RotatedKey extends MadeKey {
  /** The key that was replaced, and when it ends or has ended. */
  readonly retiring: { readonly id: string; readonly at: number };
}

const workMs = 20_000;

/** Makes a successor for a key, exactly one whatever crashes; the old one goes on working until its grace ends. */
export async function rotateKey(
  deps: Deps,
  acting: Acting,
  keyId: string,
  request: RotateKeyRequest,
  idempotencyKey: string,
): Promise<RotatedKey> {
  const { owner } = acting;
  const plan = ownPlan(deps.rules, owner);
  await requireActive(deps, owner.id);
  const seal = await sealFor(deps, request.recipient);
  const bodyHash = await sha256(
    JSON.stringify(["rotate", keyId, request.graceSeconds, request.recipient.x, request.recipient.y]),
  );
  const successorId = crypto.randomUUID();
  const reserve = () => {
    const now = deps.clock();
    return deps.keys.reserve({
      keyId: successorId,
      ownerId: owner.id,
      idempotencyKey,
      bodyHash,
      name: undefined,
      replacesId: keyId,
      reset: plan.reset,
      workspaceId: plan.workspaceId,
      now,
      leaseUntil: now + leaseMs,
      decide: (facts, old) => {
        if (old === undefined) throw new Error("A rotation is decided without its key.");
        return decideRotate(plan, facts, old);
      },
    });
  };
  let outcome = await reserve();
  if (outcome.kind === "refused" && outcome.overdue > 0 && (await clearOverdue(deps, owner.id)) > 0) {
    outcome = await reserve();
  }
  const hasMadeRoom = outcome.kind === "refused" && outcome.decision.kind === "make-room";
  if (hasMadeRoom) {
    await makeRoom(deps, await ownKey(deps, acting, keyId));
    outcome = await reserve();
    if (outcome.kind === "refused") await giveRoomBack(deps, keyId);
  }
  switch (outcome.kind) {
    case "done": {
      // The key was made by this idempotency key, whose body names the key that it replaced.
      const old = await ownKey(deps, acting, keyId);
      return { ...outcome, retiring: { id: keyId, at: old.retireAt ?? old.expiresAt } };
    }
    case "mismatch":
      throw idempotencyMismatch();
    case "running":
      throw stillRunning();
    case "offboarded":
      throw offboarded();
    case "no-such-key":
      throw new ServiceError("not_found", "You have no such key.");
    case "replaced":
      throw new ServiceError("conflict", "This key has been rotated already. Use its successor.");
    case "refused":
      if (outcome.decision.kind !== "make-room") throw refusal(outcome.decision, outcome.overdue);
      throw new ServiceError("conflict", "The key has changed meanwhile. Try again.", { retryAfter: 1 });
    case "reserved": {
      const { key, attempt } = outcome;
      const old = await ownKey(deps, acting, keyId);
      const now = deps.clock();
      const retireAt = retireTime(old, request.graceSeconds, now);
      const made = await makeKey(deps, {
        acting,
        plan,
        row: key,
        attempt,
        seal,
        replaces: { id: keyId, retireAt },
        audit: {
          actor: asOwner(acting),
          verb: "key.rotate",
          targetId: key.id,
          ownerId: owner.id,
          before: { replaces: keyId, limitUsd: old.limitCents / 100 },
          after: { name: key.name, limitUsd: key.limitCents / 100, retiresAt: new Date(retireAt).toISOString() },
          at: now,
        },
      }).catch(async (error: unknown) => {
        if (hasMadeRoom) await giveRoomBack(deps, keyId);
        throw error;
      });
      // A raise that was approved meanwhile is the successor's.
      await fitNow(deps, made.key.id);
      return { ...made, retiring: { id: keyId, at: retireAt } };
    }
  }
}

/**
 * Lowers the old key's limit to what it has spent, so that its successor gets the rest. OpenRouter is told before the
 * row, so that the limits there never pass the budget; should the rotation not come about, the old key gets its limit
 * back.
 */
async function makeRoom(deps: Deps, old: KeyRow): Promise<void> {
  const hash = old.upstreamHash;
  if (hash === null) throw new ServiceError("conflict", "Only an active key can be rotated.");
  const signal = AbortSignal.timeout(workMs);
  await askUpstream(async () => {
    const upstream = await deps.provisioner.getKey(hash, signal);
    if (upstream === undefined) throw new ServiceError("conflict", "OpenRouter no longer has this key.");
    const now = deps.clock();
    const again = now + leaseMs * 2;
    const held = await deps.keys.holdLimit(old.id, now, now + leaseMs, again);
    if (held === undefined) {
      throw new ServiceError("conflict", "This key's limit is being changed. Try again.", { retryAfter: 2 });
    }
    const keptCents = Math.min(Math.max(spentCents(windowSpendUsd(upstream)), 1), held.limitCents);
    await deps.provisioner.updateKey(hash, { limitUsd: keptCents / 100 }, signal);
    await deps.keys.settleLimit(held, keptCents, again, {
      actor: clockActor,
      verb: "key.limit",
      targetId: old.id,
      ownerId: old.ownerId,
      before: { limitUsd: held.limitCents / 100 },
      after: { limitUsd: keptCents / 100 },
      at: deps.clock(),
    });
  });
}

/** At once where that can be done; otherwise the clock does it. A key that has given no room is not due, and stays. */
async function giveRoomBack(deps: Deps, keyId: string): Promise<void> {
  try {
    await deps.keys.lookAgain(keyId, deps.clock());
  } catch {
    // What kept the key from being rotated is what the person is told.
  }
  await fitNow(deps, keyId);
}

/** Brings the key's limit to what it is meant to be, if that is due; where it cannot be done now, the clock does it. */
async function fitNow(deps: Deps, keyId: string): Promise<void> {
  try {
    await fitLimit(deps, AbortSignal.timeout(workMs), keyId);
  } catch {
    // The answer is about the rotation, which does not depend on it.
  }
}

async function ownKey(deps: Deps, acting: Acting, keyId: string): Promise<KeyRow> {
  const row = await deps.keys.ownedKey(acting.owner.id, keyId);
  if (row === undefined) throw new ServiceError("not_found", "You have no such key.");
  return row;
}
