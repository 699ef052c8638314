import type { SourceFinding } from "../policy/evidence.ts";
import type { Standing } from "../policy/offboarding.ts";
import type { AuditEntry } from "./audit.ts";

/** The name of the lease under which a run works, and of when one was last done. */
export const nightlyJob = "nightly";

/** What a run counts: people, but for `repaired` and `swept`, which are keys and reservations. */
export interface RunCounts {
  readonly checked: number;
  readonly active: number;
  readonly inactive: number;
  readonly unknown: number;
  /** People whose access was ended and whose keys are all seen disabled. */
  readonly revoked: number;
  /** People whose access was ended and some of whose keys could not be disabled yet. */
  readonly failed: number;
  readonly repaired: number;
  readonly swept: number;
  /** More people were due than a day may bring. */
  readonly tripped: boolean;
  /** True when the run was cut off by its deadline; the next one goes on. */
  readonly partial: boolean;
}

/** Somebody whose access would end. */
export interface Candidate {
  readonly ownerId: string;
  readonly email: string;
  /** A sentence. */
  readonly evidence: string;
}

export interface NightlyRun {
  readonly id: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly mode: "report" | "enforce";
  readonly counts: RunCounts;
  /** Who would be revoked in report mode; exactly the list that waits when enforcing has tripped; else who was. */
  readonly candidates: readonly Candidate[];
  /** Of the list that waits; undefined when none does. */
  readonly candidatesHash: string | undefined;
  /** What an administrator should look at, as sentences. */
  readonly alerts: readonly string[];
  readonly approval: { readonly by: string; readonly at: number } | undefined;
}

/** A person with what the sources answered in this run and what earlier runs left. */
export interface CheckedPerson {
  readonly ownerId: string;
  readonly email: string;
  readonly answers: readonly SourceFinding[];
  readonly standing: Standing;
}

export interface NewStanding {
  readonly ownerId: string;
  readonly standing: Standing;
  readonly evidence: string | undefined;
}

/** Somebody about whom the directories have not been able to say anything for long. */
export interface UnknownPerson {
  readonly ownerId: string;
  readonly email: string;
  readonly since: number;
  readonly reason: string;
}

/** The runs, and what follows from the answers over all of them. Times in milliseconds since the epoch. */
export interface NightlyStore {
  /** People about whom every one of `sources` was asked since `since`, by their id. */
  checkedPeople(
    sources: readonly string[],
    since: number,
    after: string | undefined,
    limit: number,
  ): Promise<readonly CheckedPerson[]>;
  saveStandings(standings: readonly NewStanding[]): Promise<void>;
  /** People with live keys who have not left. */
  countHolders(): Promise<number>;
  /** People whose access runs have ended since then without an administrator's approval. */
  countBlockedSince(since: number): Promise<number>;
  /** People unknown since before then, longest first. */
  longUnknown(before: number, limit: number): Promise<readonly UnknownPerson[]>;
  saveRun(run: NightlyRun): Promise<void>;
  /** Newest first. */
  runs(
    after: { readonly createdAt: number; readonly id: string } | undefined,
    limit: number,
  ): Promise<readonly NightlyRun[]>;
  run(id: string): Promise<NightlyRun | undefined>;
  latestRun(): Promise<NightlyRun | undefined>;
  /** The one that was approved last. */
  approvedRun(): Promise<NightlyRun | undefined>;
  /** False when it has been approved before. */
  approveRun(id: string, adminId: string, now: number, audit: AuditEntry): Promise<boolean>;
  /** When the first key was asked for here; undefined when none was. */
  deployedAt(): Promise<number | undefined>;
}
