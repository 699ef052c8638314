import type { PlanFacts } from "../policy/allowance.ts";
import type { Refusal } from "../policy/create-key.ts";
import type { AuditEntry } from "./audit.ts";
import type { KeyRow } from "./key-store.ts";

export type RaiseState = "waiting" | "approved" | "refused" | "ended";

/** More on one key for a while. Money in whole US cents, times in milliseconds since the epoch. */
export interface Raise {
  readonly id: string;
  readonly keyId: string;
  readonly keyName: string;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly limitCents: number;
  /** What the key was meant to have before, and has again afterwards. Undefined until approved. */
  readonly baseCents: number | undefined;
  readonly until: number;
  readonly reason: string;
  readonly state: RaiseState;
  readonly note: string | undefined;
  readonly createdAt: number;
  readonly decidedAt: number | undefined;
}

/** Looks at the key and the plan inside the transaction. */
type Check = (facts: PlanFacts, key: KeyRow) => Refusal | undefined;

export interface AskRequest {
  readonly id: string;
  readonly keyId: string;
  readonly ownerId: string;
  readonly limitCents: number;
  readonly until: number;
  readonly reason: string;
  readonly now: number;
  readonly check: Check;
  readonly audit: AuditEntry;
}

export type AskOutcome =
  | { readonly kind: "asked"; readonly raise: Raise }
  | { readonly kind: "no-such-key" }
  /** The key has a raise that is waiting or in force. */
  | { readonly kind: "open" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface DecideRequest {
  readonly id: string;
  readonly decision: "approve" | "refuse";
  readonly note: string | undefined;
  readonly decidedBy: string;
  readonly now: number;
  readonly check: (raise: Raise) => Check;
  readonly audit: (raise: Raise) => AuditEntry;
}

export type DecideOutcome =
  | { readonly kind: "decided"; readonly raise: Raise }
  /** It was decided before; the raise says how. */
  | { readonly kind: "settled"; readonly raise: Raise }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface RaiseStore {
  ask(request: AskRequest): Promise<AskOutcome>;
  find(id: string): Promise<Raise | undefined>;
  ofOwner(ownerId: string): Promise<readonly Raise[]>;
  /** Newest first, those after the given one. */
  all(query: {
    readonly state: RaiseState | undefined;
    readonly after: { readonly createdAt: number; readonly id: string } | undefined;
    readonly limit: number;
  }): Promise<readonly Raise[]>;
  /** Those that this person could decide: of others. Undefined when there are none. */
  waitingFor(ownerId: string): Promise<{ readonly newestAt: number; readonly count: number } | undefined>;
  /** Takes what an approved raise needs from the owner's budget in the same transaction. */
  decide(request: DecideRequest): Promise<DecideOutcome>;
  /** Ends one approved raise whose time has passed; its key's limit is to be lowered. Undefined when there is none. */
  endOverdue(now: number, audit: (raise: Raise) => AuditEntry): Promise<Raise | undefined>;
}
