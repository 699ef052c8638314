import type { CreateDecision, CreateFacts } from "../policy/create-key.ts";
import type { KeyFacts } from "../policy/key-state.ts";

export type ResetWindow = "daily" | "weekly" | "monthly";

/** A key's row. `upstreamHash` is null until confirmed. Money in whole US cents. */
export interface KeyRow extends KeyFacts {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly label: string;
  readonly upstreamHash: string | null;
  readonly attempt: number;
  readonly workspaceId: string | null;
  readonly limitCents: number;
  readonly reset: ResetWindow;
  readonly createdAt: number;
}

export interface ReserveRequest {
  readonly keyId: string;
  readonly ownerId: string;
  readonly idempotencyKey: string;
  /** SHA-256 of the parsed body: the same key with another body is a mistake, not a retry. */
  readonly bodyHash: string;
  readonly name: string;
  readonly reset: ResetWindow;
  readonly workspaceId: string | undefined;
  readonly now: number;
  /** Until then the reservation is taken to be in work, and nobody else takes it over. */
  readonly leaseUntil: number;
  /** Called inside the transaction with facts that no other request can change meanwhile. */
  readonly decide: (facts: CreateFacts) => CreateDecision;
}

export type ReserveOutcome =
  /** The caller now holds the reservation; attempts before this one may have left a key upstream. */
  | { readonly kind: "reserved"; readonly key: KeyRow; readonly attempt: number }
  /** Already confirmed. `sealedSecret` is null once received or too old. */
  | { readonly kind: "done"; readonly key: KeyRow; readonly sealedSecret: string | null }
  | { readonly kind: "running" }
  | { readonly kind: "mismatch" }
  | { readonly kind: "refused"; readonly decision: Exclude<CreateDecision, { kind: "grant" }> };

/** One attempt at a reservation: writes that carry a stale one change nothing. */
export interface AttemptRef {
  readonly keyId: string;
  readonly attempt: number;
}

export interface Confirmation extends AttemptRef {
  readonly upstreamHash: string;
  readonly label: string;
  readonly sealedSecret: string;
  /** When the sealed copy is to be forgotten. */
  readonly sealedUntil: number;
}

/** The mapping of keys to people. Times in milliseconds since the epoch. */
export interface KeyStore {
  /** 8 hex digits that name this deployment for good; part of every key's mark. */
  deployment(): Promise<string>;
  /** Cap, allowance and rate are decided and the reservation is written in one transaction, owner by owner. */
  reserve(request: ReserveRequest): Promise<ReserveOutcome>;
  /** False when another attempt has taken the reservation over. Repeatable. */
  confirm(confirmation: Confirmation): Promise<boolean>;
  /** Gives the reservation up: it counts no longer, and the idempotency key may be used afresh. */
  release(reference: AttemptRef, now: number): Promise<void>;
  /** Ends the lease early, so that a retry may take over at once. */
  endLease(reference: AttemptRef, now: number): Promise<void>;
  /**
   * Takes over a reservation whose lease has run out, as its next attempt: whoever held it can no longer confirm.
   * Undefined when there is none.
   */
  claimAbandoned(now: number, leaseUntil: number): Promise<KeyRow | undefined>;
  facts(ownerId: string, now: number): Promise<CreateFacts>;
  /** Every key of the owner, newest first, ended ones too. */
  ownedKeys(ownerId: string): Promise<readonly KeyRow[]>;
  /** Undefined for an id that is unknown or somebody else's: the two must not be told apart. */
  ownedKey(ownerId: string, keyId: string): Promise<KeyRow | undefined>;
  /** Erases the sealed copy. False when the owner has no such key. Repeatable. */
  received(ownerId: string, keyId: string): Promise<boolean>;
  /** Changes a live key. Undefined when it is no longer live. */
  update(keyId: string, change: { name?: string; disabled?: boolean }): Promise<KeyRow | undefined>;
  /** Ends a live key; one that has ended stays as it ended. The row stays as a tombstone. Repeatable. */
  end(keyId: string, endedAs: "deleted" | "gone", now: number): Promise<void>;
}
