import { and, asc, eq, isNotNull } from "drizzle-orm";

import type { Database } from "../../functions/adapters/postgres/database.ts";
import { audit, keys, owners, raises, sessions } from "../../functions/adapters/postgres/schema.ts";
import { readMark } from "../../functions/policy/key-mark.ts";
import type { KeyObject } from "./openrouter/key-object.ts";
import type { OpenRouterStandIn } from "./openrouter/stand-in.ts";

/** Both sides of the books: the function's tables and OpenRouter, read past the function. */
export interface View {
  readonly database: Database;
  readonly openRouter: Pick<OpenRouterStandIn, "keys">;
}

type KeyLine = typeof keys.$inferSelect;

/** Phases of a key that is at OpenRouter. */
export const existingPhases = ["live", "retiring", "revoking", "revoked"] as const;

function isLive(row: KeyLine): boolean {
  return row.phase === "live" || row.phase === "retiring";
}

/** Its limit counts for as long as it may spend. */
function canSpend(row: KeyLine): boolean {
  return isLive(row) || row.phase === "revoking";
}

export interface BothSides {
  /** Oldest first. */
  readonly rows: readonly KeyLine[];
  /** The keys at OpenRouter that carry a mark with the id of one of the rows. */
  readonly upstream: readonly KeyObject[];
}

export interface Books extends BothSides {
  readonly raises: readonly (typeof raises.$inferSelect)[];
  readonly audit: readonly (typeof audit.$inferSelect)[];
  /** Their access has ended. */
  readonly isBlocked: boolean;
  readonly sessions: number;
}

/** What one person has. Nothing may be under way: the two sides are read one after the other. */
export async function readBooks(view: View, ownerId: string): Promise<Books> {
  const { database } = view;
  return {
    ...(await readKeys(view, ownerId)),
    raises: await database.select().from(raises).where(eq(raises.ownerId, ownerId)),
    audit: await database.select().from(audit).where(eq(audit.ownerId, ownerId)).orderBy(asc(audit.id)),
    isBlocked: (await database.$count(owners, and(eq(owners.id, ownerId), isNotNull(owners.blockedAt)))) === 1,
    sessions: await database.$count(sessions, eq(sessions.ownerId, ownerId)),
  };
}

/** Only the keys, on both sides. */
export async function readKeys({ database, openRouter }: View, ownerId: string): Promise<BothSides> {
  const rows = await database
    .select()
    .from(keys)
    .where(eq(keys.ownerId, ownerId))
    .orderBy(asc(keys.createdAt), asc(keys.id));
  const ids = new Set(rows.map((row) => row.id));
  const upstream = openRouter.keys().filter((key) => ids.has(readMark(key.name)?.keyId ?? ""));
  return { rows, upstream };
}

/** A person's spend that the books are held against: dollars by hash, in the window that is running. */
export type Spent = ReadonlyMap<string, number>;

export interface Ceiling {
  readonly budgetCents: number;
  readonly spent: Spent;
  readonly now: number;
}

/** What must hold of one person's books at every moment, whatever is under way; one sentence for each fault. */
export function faultsNow(books: BothSides, ceiling: Ceiling): readonly string[] {
  const faults: string[] = [];
  const byHash = new Map(books.rows.map((row) => [row.upstreamHash, row]));
  for (const key of books.upstream) {
    const row = byHash.get(key.hash);
    if (key.limit === null || key.limit_reset === null || key.expires_at === null) {
      faults.push(`the key ${key.name} has no limit, reset or expiry`);
    } else if (row !== undefined && Math.round(key.limit * 100) > row.limitCents) {
      faults.push(`${key.name} has ${key.limit} USD at OpenRouter, more than the ${row.limitCents} cents of its row`);
    }
  }
  // What was revoked spends no more, and nobody enables it again.
  const spending = books.upstream.filter((key) => !key.disabled || byHash.get(key.hash)?.phase !== "revoked");
  const isSpending = new Set(spending.map((key) => key.hash));
  const given = spending.reduce((sum, key) => sum + (key.limit ?? Number.POSITIVE_INFINITY), 0);
  const used = [...ceiling.spent].reduce((sum, [hash, usd]) => (isSpending.has(hash) ? sum : sum + usd), 0);
  if (Math.round((given + used) * 100) > ceiling.budgetCents) {
    faults.push(`live limits of ${given} USD and ${used} USD spent by ended keys pass ${ceiling.budgetCents} cents`);
  }
  const taken = takenCents(books.rows, ceiling.now);
  if (taken > ceiling.budgetCents) faults.push(`the rows take ${taken} of ${ceiling.budgetCents} cents`);
  return faults;
}

/** What must hold once nothing is under way and what was due has been done. */
export function faultsAtRest(books: Books, ceiling: Ceiling): readonly string[] {
  const { rows, upstream } = books;
  const live = rows.filter(isLive);
  const faults: string[] = [...recordFaults(books), ...leaverFaults(books)];
  for (const row of rows) if (row.phase === "reserved") faults.push(`${row.name} is still reserved`);
  for (const row of rows) if (row.phase === "revoking") faults.push(`${row.name} is not revoked yet`);
  const hashes = new Set(rows.filter((row) => isLive(row) || row.phase === "revoked").map((row) => row.upstreamHash));
  for (const key of upstream) if (!hashes.has(key.hash)) faults.push(`${key.name} is an orphan at OpenRouter`);
  const found = new Map(upstream.map((key) => [key.hash, key]));
  for (const row of rows) {
    if (row.phase !== "revoked") continue;
    const key = found.get(row.upstreamHash ?? "");
    if (key === undefined) faults.push(`${row.name} is a ghost: kept here and not at OpenRouter`);
    else if (!key.disabled) faults.push(`${row.name} was revoked and can spend at OpenRouter`);
    if (row.revokedAt === null || row.sealedSecret !== null || row.fitAt !== null) {
      faults.push(`${row.name} was revoked, and something is left of it`);
    }
  }
  for (const row of live) {
    const key = found.get(row.upstreamHash ?? "");
    if (key === undefined) faults.push(`${row.name} is a ghost: live here and not at OpenRouter`);
    else if (key.limit === null || Math.round(key.limit * 100) !== row.limitCents) {
      faults.push(`${row.name} has ${key.limit} USD at OpenRouter and ${row.limitCents} cents here`);
    }
    const isDue = row.fitAt !== null && row.fitAt.getTime() <= ceiling.now;
    if (isDue) faults.push(`the limit of ${row.name} is due and was not brought to what it is meant to be`);
    if (row.limitCents > row.wantedCents) faults.push(`${row.name} keeps more than it is meant to have`);
    const isWaiting = row.limitCents < row.wantedCents && row.fitAt === null;
    if (isWaiting && row.phase === "live") faults.push(`${row.name} waits for its limit and nobody will look again`);
  }
  // What ended keys have spent in this window must go on counting, or the budget is spent twice.
  const isOfLive = new Set(live.map((row) => row.upstreamHash));
  const used = [...ceiling.spent].reduce((sum, [hash, usd]) => (isOfLive.has(hash) ? sum : sum + usd), 0);
  const limits = live.reduce((sum, row) => sum + row.limitCents, 0);
  const taken = takenCents(rows, ceiling.now);
  if (taken < limits + Math.round(used * 100)) {
    faults.push(`only ${taken} cents are taken, for limits of ${limits} cents and ${used} USD spent by ended keys`);
  }
  return faults;
}

function takenCents(rows: readonly KeyLine[], now: number): number {
  return rows.reduce((sum, row) => {
    const isCounted = row.phase === "reserved" || canSpend(row);
    const isCharged = row.chargedUntil !== null && row.chargedUntil.getTime() > now;
    return sum + (isCounted ? row.limitCents : 0) + (isCharged ? row.chargedCents : 0);
  }, 0);
}

/** Whoever has left can do nothing more and waits for nothing. */
function leaverFaults(books: Books): readonly string[] {
  if (!books.isBlocked) return [];
  const faults: string[] = [];
  if (books.sessions > 0) faults.push(`a leaver has ${books.sessions} sessions`);
  for (const row of books.rows) if (isLive(row)) faults.push(`${row.name} is live, and its owner has left`);
  for (const { state } of books.raises) {
    if (state === "waiting" || state === "approved") faults.push(`a raise of a leaver is ${state}`);
  }
  return faults;
}

const endings = {
  deleted: "key.delete",
  retired: "key.retire",
  expired: "key.expire",
  gone: "key.vanish",
  erased: "key.erase",
} as const;

/** The record tells each change once: replayed, it ends where the rows stand. */
function recordFaults({ rows, raises, audit, isBlocked }: Books): readonly string[] {
  const faults: string[] = [];
  const count = (targetId: string, ...verbs: readonly string[]) =>
    audit.filter((entry) => entry.targetId === targetId && verbs.includes(entry.verb)).length;
  const expectCount = (what: string, counted: number, expected: number) => {
    if (counted !== expected) faults.push(`${what} is ${counted} times in the record instead of ${expected}`);
  };
  const times = audit.filter((entry) => entry.verb === "person.block").length;
  const returns = audit.filter((entry) => entry.verb === "person.return").length;
  if (times - returns !== (isBlocked ? 1 : 0)) {
    faults.push(`the person was blocked ${times} times and returned ${returns} times by the record`);
  }
  for (const row of rows) {
    // A key may vanish before anybody has seen it disabled.
    const wasRevoked = row.phase === "revoking" || row.phase === "revoked" || row.phase === "erased";
    const revokes = count(row.id, "key.revoke");
    if (wasRevoked || revokes > 1) expectCount(`key.revoke of ${row.name}`, revokes, 1);
    const seen = count(row.id, "key.revoked");
    if (row.revokedAt !== null || seen > 0) expectCount(`key.revoked of ${row.name}`, seen, 1);
    if (seen > revokes) faults.push(`${row.name} was seen disabled without being revoked`);
    expectCount(`the making of ${row.name}`, count(row.id, "key.create", "key.rotate"), row.upstreamHash ? 1 : 0);
    for (const [phase, verb] of Object.entries(endings)) {
      // A key that ran out or vanished may be deleted afterwards, which is a second change.
      if (row.phase === phase) expectCount(`${verb} of ${row.name}`, count(row.id, verb), 1);
      else if (row.phase !== "deleted") expectCount(`${verb} of ${row.name}`, count(row.id, verb), 0);
    }
    faults.push(...limitFaults(row, audit), ...changeFaults(row, audit));
  }
  for (const raise of raises) {
    const isApproved = raise.state === "approved" || (raise.state === "ended" && raise.decidedAt !== null);
    expectCount("the approval of a raise", count(raise.id, "raise.approve"), isApproved ? 1 : 0);
    expectCount("the wish for a raise", count(raise.id, "raise.ask"), 1);
    if (raise.state !== "ended") expectCount("the end of a raise", count(raise.id, "raise.end"), 0);
    else if (count(raise.id, "raise.end") > 1) faults.push("the end of a raise is in the record more than once");
  }
  return faults;
}

function limitFaults(row: KeyLine, audit: Books["audit"]): readonly string[] {
  let cents: number | undefined;
  const faults: string[] = [];
  for (const entry of audit) {
    const isOfKey = entry.targetId === row.id && ["key.create", "key.rotate", "key.limit"].includes(entry.verb);
    // The raise may have gone over to a successor since.
    const isOfRaise = entry.verb === "raise.approve" && Object(entry.after).keyId === row.id;
    if (!isOfKey && !isOfRaise) continue;
    const after = centsIn(entry.after);
    if (entry.verb === "key.limit" && centsIn(entry.before) !== cents) {
      faults.push(`a change of the limit of ${row.name} is missing in the record before entry ${entry.id}`);
    }
    if (entry.verb === "key.limit" && after === cents) faults.push(`entry ${entry.id} tells of no change`);
    cents = after;
  }
  if (cents !== undefined && cents !== row.limitCents) {
    faults.push(`the record ends with ${cents} cents for ${row.name}, the row has ${row.limitCents}`);
  }
  return faults;
}

function changeFaults(row: KeyLine, audit: Books["audit"]): readonly string[] {
  return audit
    .filter((entry) => entry.targetId === row.id && entry.verb === "key.change")
    .filter((entry) => JSON.stringify(entry.before) === JSON.stringify(entry.after))
    .map((entry) => `entry ${entry.id} tells of no change of ${row.name}`);
}

function centsIn(fields: Readonly<Record<string, unknown>> | null): number | undefined {
  const usd = fields?.["limitUsd"];
  return typeof usd === "number" ? Math.round(usd * 100) : undefined;
}
