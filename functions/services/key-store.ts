import type { PlanFacts } from "../policy/allowance.ts";
import type { Ending } from "../policy/key-phase.ts";
import type { KeyFacts, OwnedKeyState } from "../policy/key-state.ts";
import type { RotateDecision } from "../policy/rotate-key.ts";
import type { AuditEntry } from "./audit.ts";

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
  /** What is taken from the owner's budget; never less than OpenRouter's limit. */
  readonly limitCents: number;
  /** What the limit is meant to be: more during a raise that is not in force yet, less when one has ended. */
  readonly wantedCents: number;
  readonly reset: ResetWindow;
  readonly createdAt: number;
  /** The key that this one takes over from. */
  readonly replacesId: string | null;
  /** When a replaced key ends. */
  readonly retireAt: number | null;
  /** Disabled by an administrator: only an administrator enables it again. */
  readonly adminHold: boolean;
}

/** What OpenRouter last said a key has spent. Money in US dollars. */
export interface SeenSpend {
  readonly limitUsd: number | null;
  readonly remainingUsd: number | null;
  readonly dayUsd: number;
  readonly weekUsd: number;
  readonly monthUsd: number;
}

/** An administrator's view of a key. */
export interface CompanyKey {
  readonly row: KeyRow;
  readonly ownerEmail: string;
  /** Undefined when it was never seen. */
  readonly seen: (SeenSpend & { readonly at: number }) | undefined;
}

export interface ReserveRequest {
  readonly keyId: string;
  readonly ownerId: string;
  readonly idempotencyKey: string;
  /** SHA-256 of the parsed body: the same key with another body is a mistake, not a retry. */
  readonly bodyHash: string;
  /** For a new key; a successor has the name of the key that it replaces. */
  readonly name: string | undefined;
  readonly replacesId: string | undefined;
  readonly reset: ResetWindow;
  readonly workspaceId: string | undefined;
  readonly now: number;
  /** Until then the reservation is taken to be in work, and nobody else takes it over. */
  readonly leaseUntil: number;
  /** Called inside the transaction with facts that no other request can change meanwhile. */
  readonly decide: (
    facts: PlanFacts,
    replaced: (KeyRow & { readonly isRaised: boolean }) | undefined,
  ) => RotateDecision;
}

export type ReserveOutcome =
  /** The caller now holds the reservation; attempts before this one may have left a key upstream. */
  | { readonly kind: "reserved"; readonly key: KeyRow; readonly attempt: number }
  /** Already confirmed. `sealedSecret` is null once received or too old. */
  | { readonly kind: "done"; readonly key: KeyRow; readonly sealedSecret: string | null }
  | { readonly kind: "running" }
  | { readonly kind: "mismatch" }
  /** The key to be replaced is not the owner's, or has a successor already. */
  | { readonly kind: "no-such-key" }
  | { readonly kind: "replaced" }
  /** The owner has left. */
  | { readonly kind: "offboarded" }
  | {
      readonly kind: "refused";
      readonly decision: Exclude<RotateDecision, { kind: "grant" }>;
      readonly overdue: number;
    };

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
  /** The key that this one replaces, and when that one ends. */
  readonly replaces: { readonly id: string; readonly retireAt: number } | undefined;
  readonly audit: AuditEntry;
}

export interface KeyChange {
  readonly name?: string;
  readonly disabled?: boolean;
}

/** How a key ends. `charge`: what goes on counting against the budget, and until when; an earlier charge stays. */
export interface EndRequest {
  readonly keyId: string;
  readonly ending: Ending;
  readonly charge: { readonly cents: number; readonly until: number };
  readonly now: number;
  readonly audit: AuditEntry;
}

export interface CompanyKeysQuery {
  /** Part of a key's name or of its owner's e-mail. */
  readonly q: string | undefined;
  readonly state: OwnedKeyState | undefined;
  /** The last key of the page before. */
  readonly after: { readonly createdAt: number; readonly id: string } | undefined;
  readonly limit: number;
  readonly now: number;
}

/** The mapping of keys to people. Times in milliseconds since the epoch. */
export interface KeyStore {
  /** 8 hex digits that name this deployment for good; part of every key's mark. */
  deployment(): Promise<string>;
  /** Cap, allowance and rate are decided and the reservation is written in one transaction, owner by owner. */
  reserve(request: ReserveRequest): Promise<ReserveOutcome>;
  /** False when another attempt has taken the reservation over. */
  confirm(confirmation: Confirmation): Promise<boolean>;
  /** Gives the reservation up: it counts no longer, and the idempotency key may be used afresh. */
  release(reference: AttemptRef): Promise<void>;
  /** Ends the lease early, so that a retry may take over at once. */
  endLease(reference: AttemptRef, now: number): Promise<void>;
  /**
   * Takes over a reservation whose lease has run out, as its next attempt: whoever held it can no longer confirm.
   * Undefined when there is none.
   */
  claimAbandoned(now: number, leaseUntil: number): Promise<KeyRow | undefined>;
  facts(ownerId: string, now: number): Promise<PlanFacts>;
  /** Every key that the owner is shown, newest first, with what was last seen of its spend. */
  ownedKeys(ownerId: string): Promise<readonly { readonly row: KeyRow; readonly seen: SeenSpend | undefined }[]>;
  /** Undefined for an id that is unknown or somebody else's: the two must not be told apart. */
  ownedKey(ownerId: string, keyId: string): Promise<KeyRow | undefined>;
  /** Any key that this function has made, whoever owns it. */
  companyKey(keyId: string): Promise<CompanyKey | undefined>;
  /** A page, newest first. */
  companyKeys(query: CompanyKeysQuery): Promise<readonly CompanyKey[]>;
  /** How many keys the query finds on all its pages. */
  countCompanyKeys(query: Pick<CompanyKeysQuery, "q" | "state" | "now">): Promise<number>;
  /** Erases the sealed copy. False when the owner has no such key. Repeatable. */
  received(ownerId: string, keyId: string): Promise<boolean>;
  /**
   * Changes a live key; what an administrator disables is held until an administrator enables it. Undefined when it is
   * no longer live, "held" when its owner would enable what is held.
   */
  change(keyId: string, change: KeyChange, audit: AuditEntry): Promise<KeyRow | "held" | undefined>;
  /** Ends a key; one that has ended another way stays as it ended. The row stays as a tombstone. Repeatable. */
  end(request: EndRequest): Promise<void>;
  /** Takes hold of a key whose time is over: it has expired, or its grace has passed. Undefined when there is none. */
  claimOverdue(now: number, leaseUntil: number, ownerId?: string): Promise<KeyRow | undefined>;
  /** Takes hold of a key whose limit is to be brought to what it is meant to be. Undefined when there is none. */
  claimUnfit(now: number, leaseUntil: number, keyId?: string): Promise<KeyRow | undefined>;
  /**
   * Takes hold of a key in order to lower its limit, and makes sure that the limit is looked at again at `fitAt`,
   * whatever happens before. Undefined while somebody else is at it.
   */
  holdLimit(keyId: string, now: number, leaseUntil: number, fitAt: number): Promise<KeyRow | undefined>;
  /** Makes sure that the key is looked at again at that time or before, whatever happens. */
  lookAgain(keyId: string, at: number): Promise<void>;
  /** Takes more of the owner's budget for a key, under the owner's lock, before OpenRouter is told. */
  growLimit(
    keyId: string,
    now: number,
    decide: (facts: PlanFacts, row: KeyRow) => number,
    audit: (was: KeyRow, limitCents: number) => AuditEntry,
  ): Promise<KeyRow | undefined>;
  /**
   * OpenRouter has the limit now, and the key is let go. `fitAt`: when to look again; null when it is as it is meant to
   * be. False when what it is meant to have is no longer as in `held`: then it is looked at again at once.
   */
  settleLimit(held: KeyRow, limitCents: number, fitAt: number | null, audit: AuditEntry | undefined): Promise<boolean>;
  /** Erases sealed copies whose time has passed. Returns how many. */
  eraseSealed(now: number): Promise<number>;
  /** Keeps what OpenRouter said of some keys, by their hash there. Those of others are passed over. */
  saveSpend(reports: readonly (SeenSpend & { readonly hash: string })[], at: number): Promise<void>;
  /** Live keys in each workspace; undefined is OpenRouter's default one. */
  liveKeysByWorkspace(): Promise<readonly { readonly workspaceId: string | undefined; readonly keys: number }[]>;
}
