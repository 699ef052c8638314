import type { Finding } from "./evidence.ts";

/**
 * The rails between what a directory says and the end of somebody's access. Promises: nobody is due on a doubt; what
 * only looks like a departure needs two runs an hour apart; when more people are due than a company loses in a day,
 * nothing at all is revoked until an administrator who is not on it has approved exactly that list.
 * Times in milliseconds since the epoch.
 */

/** What earlier runs left about a person. */
export interface Standing {
  /** Runs, an hour apart, that found no account and nothing else; and when the first and the last of them was. */
  readonly strikes: number;
  readonly firstStrikeAt: number | undefined;
  readonly lastStrikeAt: number | undefined;
  /** Since when the directories have not been able to say. */
  readonly unknownSince: number | undefined;
}

export const cleanStanding: Standing = {
  strikes: 0,
  firstStrikeAt: undefined,
  lastStrikeAt: undefined,
  unknownSince: undefined,
};

/** What a run makes of one person, and the standing to keep for the next. */
export interface Assessment {
  /**
   * keep: nothing to do. due: has left, and access is to end if the brake allows. waiting: perhaps left, a second
   * strike is needed. unknown: neither revoked nor granted anything.
   */
  readonly kind: "keep" | "due" | "waiting" | "unknown";
  /** A sentence for administrators and the record; undefined for "keep". */
  readonly evidence: string | undefined;
  readonly standing: Standing;
  /** Unknown for so long that an administrator has to find out. */
  readonly isLongUnknown: boolean;
}

const hour = 3_600_000;
const day = 24 * hour;
const strikesNeeded = 2;
const unknownForLong = 7 * day;
const approvalLife = 3 * day;

/**
 * `isProven`: an active finding came from asking about the person, not from a list. A list may lag behind, so that it
 * neither takes strikes back nor adds any.
 */
export function assess(finding: Finding, isProven: boolean, before: Standing, now: number): Assessment {
  switch (finding.state) {
    case "active":
      return {
        kind: "keep",
        evidence: undefined,
        standing: isProven ? cleanStanding : { ...before, unknownSince: undefined },
        isLongUnknown: false,
      };
    case "inactive": {
      const known = { ...before, unknownSince: undefined };
      if (!finding.isAbsence) {
        return { kind: "due", evidence: finding.evidence, standing: known, isLongUnknown: false };
      }
      const standing = strike(known, now);
      const kind = standing.strikes >= strikesNeeded ? "due" : "waiting";
      return { kind, evidence: finding.evidence, standing, isLongUnknown: false };
    }
    case "unknown": {
      // A clock that was set back must not make the wait longer than it is.
      const since = before.unknownSince === undefined || before.unknownSince > now ? now : before.unknownSince;
      return {
        kind: "unknown",
        evidence: finding.reason,
        standing: { ...before, unknownSince: since },
        isLongUnknown: now - since >= unknownForLong,
      };
    }
  }
}

/** Strikes closer together than an hour are one: a fault of the directory may well last from one run to the next. */
function strike(before: Standing, now: number): Standing {
  const { firstStrikeAt, lastStrikeAt, strikes } = before;
  if (strikes === 0 || firstStrikeAt === undefined || lastStrikeAt === undefined || lastStrikeAt > now) {
    return { ...before, strikes: 1, firstStrikeAt: now, lastStrikeAt: now };
  }
  return now - lastStrikeAt < hour ? before : { ...before, strikes: strikes + 1, lastStrikeAt: now };
}

/** An administrator's yes to the list of an earlier run that was stopped. */
export interface Approval {
  /** Exactly the people who were listed. */
  readonly personIds: readonly string[];
  readonly approvedBy: string;
  readonly approvedAt: number;
}

export interface BrakeFacts {
  readonly now: number;
  readonly mode: "report" | "enforce";
  /** Everybody who is due in this run. */
  readonly due: readonly string[];
  /** People with at least one live key at this moment. */
  readonly holders: number;
  /** People whose access runs ended in the last 24 hours without anybody's approval. */
  readonly revokedLastDay: number;
  readonly approval: Approval | undefined;
}

export interface BrakeDecision {
  /** Whose access ends now. */
  readonly revoke: readonly string[];
  /** The exact list that waits for an administrator; empty unless tripped. */
  readonly waiting: readonly string[];
  readonly tripped: boolean;
}

/**
 * Whom a run may revoke. People on an approved list go first and are no part of the count: an administrator has looked
 * at each of them, so that the brake, which is against what nobody looked at, does not trip over them again tomorrow.
 * They still have to be due in this very run: whoever came back since is left alone.
 */
export function applyBrake(facts: BrakeFacts): BrakeDecision {
  const due = [...new Set(facts.due)].sort();
  const listed = new Set(usableApproval(facts)?.personIds ?? []);
  const approved = due.filter((personId) => listed.has(personId));
  const others = due.filter((personId) => !listed.has(personId));
  // Those who were revoked today held keys when the day began.
  const isTooMany = others.length > 0 && others.length + facts.revokedLastDay > mostADay(facts);
  if (facts.mode === "report") return { revoke: [], waiting: [], tripped: isTooMany };
  return isTooMany
    ? { revoke: approved, waiting: others, tripped: true }
    : { revoke: due, waiting: [], tripped: false };
}

/** max(3, 5 %) of the people who hold keys. */
function mostADay({ holders, revokedLastDay }: BrakeFacts): number {
  const share = (holders + revokedLastDay) * 0.05;
  return share > 3 ? share : 3;
}

function usableApproval({ approval, now }: BrakeFacts): Approval | undefined {
  if (approval === undefined || !mayApprove(approval.approvedBy, approval.personIds)) return undefined;
  return approval.approvedAt <= now && now - approval.approvedAt < approvalLife ? approval : undefined;
}

/** Nobody decides about themselves. */
export function mayApprove(adminId: string, personIds: readonly string[]): boolean {
  return !personIds.includes(adminId);
}

/** What is hashed so that an approval is of exactly this list: the same for the same people in whatever order. */
export function candidatesText(runId: string, personIds: readonly string[]): string {
  return JSON.stringify([runId, ...[...new Set(personIds)].sort()]);
}
