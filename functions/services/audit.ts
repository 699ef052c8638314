import type { Owner } from "./account-store.ts";

/** Who does something: the owner of what is changed, an administrator, or the function by the clock. */
export interface Actor {
  readonly kind: "owner" | "admin" | "system";
  /** The person's id; null for the function itself. */
  readonly id: string | null;
  /** The person's e-mail at that time; "function" for the function itself. */
  readonly label: string;
  /** The request in which it was done; null for what the clock does. */
  readonly requestId: string | null;
}

/** A signed-in person in one request. */
export interface Acting {
  readonly owner: Owner;
  readonly requestId: string;
}

export type AuditVerb =
  | "key.create"
  | "key.rotate"
  | "key.change"
  | "key.limit"
  | "key.delete"
  | "key.retire"
  | "key.expire"
  | "key.vanish"
  | "key.revoke"
  | "key.revoked"
  | "key.erase"
  | "key.repair"
  | "person.block"
  | "person.return"
  | "run.approve"
  | "raise.ask"
  | "raise.approve"
  | "raise.refuse"
  | "raise.end"
  | "identity.conflict"
  | "identity.merge"
  | "identity.refuse"
  | "identity.separate";

/** What is written in the same transaction as the change that it tells of. No secret is ever in it. */
export interface AuditEntry {
  readonly actor: Actor;
  readonly verb: AuditVerb;
  /** The id of the key, the raise or whatever else it is about. */
  readonly targetId: string;
  /** Whose it is. */
  readonly ownerId: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly at: number;
}

export interface AuditRecord extends AuditEntry {
  /** Rises with time. */
  readonly id: number;
  /** The owner's e-mail today. */
  readonly ownerLabel: string;
}

/** The append-only record: the database itself refuses to change or remove an entry. */
export interface AuditStore {
  /** Newest first, those before the given id. */
  list(before: number | undefined, limit: number): Promise<readonly AuditRecord[]>;
  /** For what changed at OpenRouter only; whatever changes here too writes its entry in the same transaction. */
  write(entry: AuditEntry): Promise<void>;
}

export const clockActor: Actor = { kind: "system", id: null, label: "function", requestId: null };

export function asOwner({ owner, requestId }: Acting): Actor {
  return { kind: "owner", id: owner.id, label: owner.email, requestId };
}

export function asAdmin({ owner, requestId }: Acting): Actor {
  return { kind: "admin", id: owner.id, label: owner.email, requestId };
}
