import type { CreateKeyRequest } from "../contract/requests.ts";
import { decideCreate } from "../policy/create-key.ts";
import type { Acting } from "./audit.ts";
import { asOwner } from "./audit.ts";
import { clearOverdue } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { MadeKey } from "./make-key.ts";
import { idempotencyMismatch, leaseMs, makeKey, refusal, sealFor, stillRunning } from "./make-key.ts";
import { requireActive } from "./ask-directory.ts";
import { ownPlan } from "./own-plan.ts";
import { sha256 } from "./secrets.ts";
import { offboarded } from "./sessions.ts";

/** Makes one key, whatever crashes: reserve, ask OpenRouter once, confirm. */
export async function createKey(
  deps: Deps,
  acting: Acting,
  request: CreateKeyRequest,
  idempotencyKey: string,
): Promise<MadeKey> {
  const { owner } = acting;
  const plan = ownPlan(deps.rules, owner);
  await requireActive(deps, owner.id);
  const seal = await sealFor(deps, request.recipient);
  const wish = {
    limitCents: request.limitUsd === undefined ? undefined : Math.round(request.limitUsd * 100),
    expiresAt: request.expiresAt === undefined ? undefined : Date.parse(request.expiresAt),
  };
  const bodyHash = await sha256(
    JSON.stringify([request.name, request.limitUsd, request.expiresAt, request.recipient.x, request.recipient.y]),
  );
  const keyId = crypto.randomUUID();
  const reserve = () => {
    const now = deps.clock();
    return deps.keys.reserve({
      keyId,
      ownerId: owner.id,
      idempotencyKey,
      bodyHash,
      name: request.name,
      replacesId: undefined,
      reset: plan.reset,
      workspaceId: plan.workspaceId,
      now,
      leaseUntil: now + leaseMs,
      decide: (facts) => decideCreate(plan, facts, wish),
    });
  };
  let outcome = await reserve();
  // Keys whose time is over still hold their limits until they are cleared away, which is done now rather than tonight.
  if (outcome.kind === "refused" && outcome.overdue > 0 && (await clearOverdue(deps, owner.id)) > 0) {
    outcome = await reserve();
  }
  switch (outcome.kind) {
    case "done":
      return outcome;
    case "mismatch":
      throw idempotencyMismatch();
    case "running":
      throw stillRunning();
    case "offboarded":
      throw offboarded();
    case "reserved": {
      const { key, attempt } = outcome;
      return makeKey(deps, {
        acting,
        plan,
        row: key,
        attempt,
        seal,
        replaces: undefined,
        audit: {
          actor: asOwner(acting),
          verb: "key.create",
          targetId: key.id,
          ownerId: owner.id,
          before: null,
          after: {
            name: key.name,
            limitUsd: key.limitCents / 100,
            reset: key.reset,
            expiresAt: isoTime(key.expiresAt),
          },
          at: deps.clock(),
        },
      });
    }
    case "refused":
      if (outcome.decision.kind !== "make-room") throw refusal(outcome.decision, outcome.overdue);
      throw new ServiceError("internal", "A create was decided like a rotation.");
    case "no-such-key":
    case "replaced":
      throw new ServiceError("internal", "A create was decided like a rotation.");
  }
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
