import { upstreamName } from "../policy/key-mark.ts";
import { keyState } from "../policy/key-state.ts";
import { requireActive } from "./ask-directory.ts";
import type { Actor } from "./audit.ts";
import { endKey, endVanished } from "./clear-overdue.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { KeyRow } from "./key-store.ts";
import type { OwnedKey } from "./list-keys.ts";
import { askUpstream } from "./provisioner.ts";

const workMs = 20_000;
/** Longer than all that enabling a key may take. */
const enableLeaseMs = 2 * workMs + 5_000;

/** What a person may change of a key. */
export interface KeyPatch {
  readonly name?: string;
  readonly disabled?: boolean;
}

/** A key that the caller may change, with its owner's e-mail. */
export interface FoundKey {
  readonly row: KeyRow;
  readonly ownerEmail: string;
}

/** Renames, disables or enables a key: OpenRouter first, then the row. Repeatable. */
export async function changeKey(deps: Deps, found: FoundKey, actor: Actor, patch: KeyPatch): Promise<OwnedKey> {
  const { row } = found;
  requireLive(row);
  if (patch.disabled !== false) return change(deps, found, actor, patch);
  if (row.adminHold && actor.kind === "owner") throw held();
  await requireActive(deps, row.ownerId, actor.id === row.ownerId);
  // Held from before OpenRouter is asked until the row says so: should the owner be found to have left meanwhile, the
  // key is disabled for good only after that.
  const now = deps.clock();
  if ((await deps.revocations.hold(row.id, now, now + enableLeaseMs)) === undefined) {
    throw new ServiceError("conflict", "This key is being changed at this moment. Try again.", { retryAfter: 2 });
  }
  try {
    return await change(deps, found, actor, patch);
  } finally {
    await deps.revocations.letGo(row.id);
  }
}

async function change(deps: Deps, found: FoundKey, actor: Actor, patch: KeyPatch): Promise<OwnedKey> {
  const { row, ownerEmail } = found;
  const hash = requireLive(row);
  const signal = AbortSignal.timeout(workMs);
  const mark = { deployment: await deps.keys.deployment(), keyId: row.id, attempt: row.attempt };
  const upstream = await askUpstream(() =>
    deps.provisioner.updateKey(
      hash,
      {
        ...(patch.name === undefined ? {} : { name: upstreamName(patch.name, ownerEmail, mark) }),
        ...(patch.disabled === undefined ? {} : { disabled: patch.disabled }),
      },
      signal,
    ),
  );
  if (upstream === undefined) {
    await endVanished(deps, row, actor);
    throw new ServiceError("conflict", "OpenRouter no longer has this key. Delete it here and create another.");
  }
  const changed = await deps.keys.change(row.id, patch, {
    actor,
    verb: "key.change",
    targetId: row.id,
    ownerId: row.ownerId,
    before: pick(row, patch),
    after: { ...patch },
    at: deps.clock(),
  });
  if (changed === undefined || changed === "held") {
    // It was ended or held while OpenRouter was asked: an enabled key must not be left behind.
    if (patch.disabled === false) await askUpstream(() => deps.provisioner.updateKey(hash, { disabled: true }, signal));
    if (changed === "held") throw held();
    throw new ServiceError("revoked", "This key was ended meanwhile and cannot be changed.");
  }
  return { row: changed, state: keyState(changed, deps.clock()) ?? "gone", upstream };
}

/** Ends a key for good. Repeatable; a key that OpenRouter no longer has counts as deleted. */
export async function deleteKey(deps: Deps, { row }: FoundKey, actor: Actor): Promise<void> {
  if (row.phase === "reserved" || row.phase === "released") throw notFound();
  await askUpstream(() => endKey(deps, row, "delete", actor, AbortSignal.timeout(workMs)));
}

/** Only the owner's: an id that is unknown or somebody else's is not told apart. */
export async function findOwnKey(deps: Deps, owner: { id: string; email: string }, keyId: string): Promise<FoundKey> {
  const row = await deps.keys.ownedKey(owner.id, keyId);
  if (row === undefined) throw notFound();
  return { row, ownerEmail: owner.email };
}

/** The owner says that they have the secret: the sealed copy is erased. Repeatable. */
export async function markReceived(deps: Deps, owner: { id: string }, keyId: string): Promise<void> {
  if (!(await deps.keys.received(owner.id, keyId))) throw notFound();
}

function requireLive(row: KeyRow): string {
  if (row.phase === "revoking" || row.phase === "revoked") {
    throw new ServiceError("revoked", "This key was revoked and cannot be changed. Create another.");
  }
  if (row.phase === "reserved" || row.phase === "released") throw notFound();
  if ((row.phase !== "live" && row.phase !== "retiring") || row.upstreamHash === null) {
    throw new ServiceError("conflict", "This key has ended and cannot be changed. Create another.");
  }
  return row.upstreamHash;
}

function pick(row: KeyRow, patch: KeyPatch): Readonly<Record<string, unknown>> {
  return {
    ...(patch.name === undefined ? {} : { name: row.name }),
    ...(patch.disabled === undefined ? {} : { disabled: row.disabled }),
  };
}

function held(): ServiceError {
  return new ServiceError("forbidden", "An administrator has disabled this key. Ask them to enable it again.");
}

function notFound(): ServiceError {
  return new ServiceError("not_found", "You have no such key.");
}
