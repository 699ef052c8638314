import type { AuditEntry } from "./audit.ts";
import type { KeyRow } from "./key-store.ts";
import type { Lease } from "./lease-store.ts";

export interface Leaver {
  readonly ownerId: string;
  /** What says that they have left, as a sentence. */
  readonly evidence: string;
}

export interface BlockRequest {
  readonly leavers: readonly Leaver[];
  readonly runId: string;
  /** The run's own lease: whoever has lost it ends nobody's access. */
  readonly lease: Lease;
  /** The list was approved by an administrator, so that it does not count for the brake. */
  readonly isApproved: boolean;
  readonly now: number;
}

/** A key that was seen disabled, and what it goes on taking from the budget. */
export interface RevokedKey {
  readonly row: KeyRow;
  readonly charge: { readonly cents: number; readonly until: number };
}

/** A revocation that has not come about yet. */
export interface StuckKey {
  readonly keyId: string;
  readonly name: string;
  readonly ownerId: string;
  readonly email: string;
  readonly tries: number;
  readonly since: number;
}

/** What ends a leaver's access, and what is left to do about their keys. Times in milliseconds since the epoch. */
export interface RevocationStore {
  /**
   * In one transaction: the people are blocked, their sessions and codes are gone, their live keys are to be revoked,
   * their requests for more are ended, no reservation of theirs can be confirmed any more, and the record says why.
   * Returns who was blocked by it; throws LeaseLost.
   */
  block(request: BlockRequest): Promise<readonly string[]>;
  /** Takes the block from somebody who is back. Their keys stay as they are. False when they were not blocked. */
  unblock(ownerId: string, audit: AuditEntry): Promise<boolean>;
  endSessionsOf(ownerIds: readonly string[]): Promise<void>;
  /** Who has one of these subjects or e-mails. */
  ownersNamed(names: {
    readonly subjects: readonly string[];
    readonly emails: readonly string[];
  }): Promise<readonly string[]>;
  /** Takes up to `limit` keys to be revoked that nobody is working on. `tries` so far. */
  claim(
    now: number,
    leaseUntil: number,
    limit: number,
  ): Promise<readonly { readonly row: KeyRow; readonly tries: number }[]>;
  confirm(revoked: readonly RevokedKey[], now: number): Promise<void>;
  /** It did not come about: once more at `at`. */
  retry(keyId: string, at: number): Promise<void>;
  /** When the next one may be claimed; undefined when none is left. */
  nextAt(): Promise<number | undefined>;
  /** The owners who have keys yet to be revoked. */
  ownersLeft(): Promise<readonly string[]>;
  /** Keys that could not be disabled in so many tries, longest first. */
  stuck(tries: number, limit: number): Promise<readonly StuckKey[]>;
  /** Takes up to `limit` revoked keys whose time of being kept is over. */
  claimKept(revokedBefore: number, now: number, leaseUntil: number, limit: number): Promise<readonly KeyRow[]>;
  /** Takes hold of a key that is live, or is revoked, for a time; undefined when somebody else has it or it has ended. */
  hold(keyId: string, now: number, leaseUntil: number): Promise<KeyRow | undefined>;
  letGo(keyId: string): Promise<void>;
}

/** Another process has taken the work over. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}
