import type { VerifiedPerson } from "./account-store.ts";
import type { AuditEntry } from "./audit.ts";

/** Somebody signed in with an e-mail that belongs to another owner here. */
export interface IdentityConflict {
  readonly id: string;
  /** Whose e-mail it is. */
  readonly owner: { readonly id: string; readonly issuer: string; readonly subject: string };
  readonly email: string;
  /** Who came with it. */
  readonly issuer: string;
  readonly subject: string;
  readonly askedAt: number;
  readonly state: ConflictState;
}

export type ConflictState = "waiting" | "refused";
export type Decision = "merge" | "refuse" | "separate";

export interface DecideIdentity {
  readonly id: string;
  readonly decision: Decision;
  /** What the account that came is known by from now on, where a separation makes it an owner. */
  readonly newOwnerId: string;
  readonly decidedBy: string;
  readonly now: number;
  readonly audit: AuditEntry;
}

/**
 * taken: the identity is already an owner of its own. blocked: who would get something of it has left. changed: the
 * owner meanwhile has another e-mail, so nothing is left to decide.
 */
export type DecisionOutcome = "done" | "missing" | "decided" | "taken" | "blocked" | "changed";

export interface IdentityStore {
  /** Notes the conflict once, however often the person tries. Says how it stands. */
  record(conflict: {
    readonly id: string;
    readonly ownerId: string;
    readonly person: VerifiedPerson;
    readonly now: number;
    readonly audit: AuditEntry;
  }): Promise<ConflictState>;
  list(state: ConflictState): Promise<readonly IdentityConflict[]>;
  find(id: string): Promise<IdentityConflict | undefined>;
  /**
   * In one transaction. A merge makes the identity the owner's, in place of the one they had. A separation makes it an
   * owner of its own with the e-mail; the old one keeps keys and history under a label that is no address. Either ends
   * the old one's sessions and codes; whether they are blocked stays as it is.
   */
  decide(decision: DecideIdentity): Promise<DecisionOutcome>;
}
