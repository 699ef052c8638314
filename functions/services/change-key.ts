import { upstreamName } from "../policy/key-mark.ts";
import { keyState } from "../policy/key-state.ts";
import type { Owner } from "./account-store.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { KeyRow } from "./key-store.ts";
import type { OwnedKey } from "./list-keys.ts";
import { askUpstream } from "./provisioner.ts";

const workMs = 20_000;

/** Renames, disables or enables an own key: OpenRouter first, then the row. Repeatable. */
export async function changeKey(
  deps: Deps,
  owner: Owner,
  keyId: string,
  change: { name?: string; disabled?: boolean },
): Promise<OwnedKey> {
  const row = await findOwnedKey(deps, owner, keyId);
  const hash = requireLive(row);
  const signal = AbortSignal.timeout(workMs);
  const mark = { deployment: await deps.keys.deployment(), keyId: row.id, attempt: row.attempt };
  const isThere = await askUpstream(() =>
    deps.provisioner.updateKey(
      hash,
      {
        ...(change.name === undefined ? {} : { name: upstreamName(change.name, owner.email, mark) }),
        ...(change.disabled === undefined ? {} : { disabled: change.disabled }),
      },
      signal,
    ),
  );
  if (!isThere) {
    await deps.keys.end(row.id, "gone", deps.clock());
    throw new ServiceError("conflict", "OpenRouter no longer has this key. Delete it here and create another.");
  }
  const changed = await deps.keys.update(row.id, change);
  if (changed === undefined) throw new ServiceError("revoked", "This key was ended meanwhile and cannot be changed.");
  const upstream = await askUpstream(() => deps.provisioner.getKey(hash, signal));
  return { row: changed, state: keyState(changed, deps.clock()) ?? "gone", upstream };
}

/** Ends an own key: OpenRouter first, where a key that is not there counts as deleted, then the row. Repeatable. */
export async function deleteKey(deps: Deps, owner: Owner, keyId: string): Promise<void> {
  const row = await findOwnedKey(deps, owner, keyId);
  if (row.lifecycle === "live" && row.upstreamHash !== null) {
    const hash = row.upstreamHash;
    await askUpstream(() => deps.provisioner.deleteKey(hash, AbortSignal.timeout(workMs)));
  }
  if (row.lifecycle !== "reserved") await deps.keys.end(row.id, "deleted", deps.clock());
}

/** The owner says that they have the secret: the sealed copy is erased. Repeatable. */
export async function markReceived(deps: Deps, owner: Owner, keyId: string): Promise<void> {
  if (!(await deps.keys.received(owner.id, keyId))) throw notFound();
}

async function findOwnedKey(deps: Deps, owner: Owner, keyId: string): Promise<KeyRow> {
  const row = await deps.keys.ownedKey(owner.id, keyId);
  if (row === undefined) throw notFound();
  return row;
}

function requireLive(row: KeyRow): string {
  if (row.lifecycle === "ended" && row.endedAs === "revoked") {
    throw new ServiceError("revoked", "This key was revoked and cannot be changed. Create another.");
  }
  if (row.lifecycle !== "live" || row.upstreamHash === null) {
    throw new ServiceError("conflict", "This key has ended and cannot be changed. Create another.");
  }
  return row.upstreamHash;
}

function notFound(): ServiceError {
  return new ServiceError("not_found", "You have no such key.");
}
