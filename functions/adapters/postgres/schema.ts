import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

import { phases } from "../../policy/key-phase.ts";

export const time = () => timestamp({ withTimezone: true, mode: "date" });

/** One row: the name this deployment puts into the marks of its keys. */
export const deployment = pgTable(
  "deployment",
  { id: smallint().primaryKey().default(1), mark: text().notNull(), createdAt: time().notNull().defaultNow() },
  (table) => [check("deployment_is_one", sql`${table.id} = 1`)],
);

export const owners = pgTable(
  "owners",
  {
    id: uuid().primaryKey(),
    issuer: text().notNull(),
    subject: text().notNull(),
    email: text().notNull().unique(),
    groups: text().array().notNull(),
    createdAt: time().notNull(),
    /** Since when the person has left. */
    blockedAt: time(),
    /** Whether an administrator has approved it; what nobody approved counts for the brake. */
    blockApproved: boolean().notNull().default(false),
  },
  (table) => [unique("owners_identity").on(table.issuer, table.subject)],
);

export const sessions = pgTable(
  "sessions",
  {
    tokenHash: text().primaryKey(),
    id: uuid().notNull().unique().defaultRandom(),
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    createdAt: time().notNull(),
    authTime: time().notNull(),
    lastUsedAt: time().notNull(),
    idleUntil: time().notNull(),
    expiresAt: time().notNull(),
    client: text().notNull(),
  },
  (table) => [index("sessions_by_owner").on(table.ownerId)],
);

export const signInAttempts = pgTable(
  "sign_in_attempts",
  {
    stateHash: text().primaryKey(),
    codeChallenge: text().notNull(),
    redirectUri: text().notNull(),
    clientState: text().notNull(),
    nonce: text().notNull(),
    issuerVerifier: text().notNull(),
    browserHash: text().notNull(),
    freshSince: time(),
    expiresAt: time().notNull(),
  },
  (table) => [index("sign_in_attempts_by_expiry").on(table.expiresAt)],
);

export const signInCodes = pgTable(
  "sign_in_codes",
  {
    codeHash: text().primaryKey(),
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    codeChallenge: text().notNull(),
    authTime: time().notNull(),
    expiresAt: time().notNull(),
  },
  (table) => [index("sign_in_codes_by_expiry").on(table.expiresAt)],
);

/** Tokens of another service that were traded for a session, until they expire. */
export const usedTokens = pgTable(
  "used_tokens",
  { tokenHash: text().primaryKey(), expiresAt: time().notNull() },
  (table) => [index("used_tokens_by_expiry").on(table.expiresAt)],
);

/** Sign-ins that came with an owner's e-mail and another identity. */
export const identityConflicts = pgTable(
  "identity_conflicts",
  {
    id: uuid().primaryKey(),
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    email: text().notNull(),
    issuer: text().notNull(),
    subject: text().notNull(),
    createdAt: time().notNull(),
    decision: text({ enum: ["merge", "refuse", "separate"] }),
    decidedBy: uuid().references(() => owners.id),
    decidedAt: time(),
  },
  (table) => [
    unique("identity_conflicts_once").on(table.ownerId, table.issuer, table.subject),
    check("identity_conflicts_says_who", sql`(${table.decision} is null) = (${table.decidedBy} is null)`),
  ],
);

/** The issuer's public documents. */
export const issuerDocuments = pgTable("issuer_documents", {
  url: text().primaryKey(),
  body: text().notNull(),
  fetchedAt: time().notNull(),
});

export const keys = pgTable(
  "keys",
  {
    id: uuid().primaryKey(),
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    name: text().notNull(),
    label: text().notNull().default(""),
    /** OpenRouter's id of the key. Never leaves the function. */
    upstreamHash: text().unique(),
    phase: text({ enum: phases }).notNull(),
    endedAt: time(),
    disabled: boolean().notNull().default(false),
    adminHold: boolean().notNull().default(false),
    limitCents: integer().notNull(),
    wantedCents: integer().notNull(),
    /** When the limit is next to be brought to what it is meant to be. */
    fitAt: time(),
    reset: text({ enum: ["daily", "weekly", "monthly"] }).notNull(),
    workspaceId: text(),
    createdAt: time().notNull(),
    expiresAt: time().notNull(),
    replacesId: uuid().references((): AnyPgColumn => keys.id),
    retireAt: time(),
    /** What an ended key goes on taking from the budget, and until when. */
    chargedCents: integer().notNull().default(0),
    chargedUntil: time(),
    attempt: integer().notNull(),
    leaseUntil: time().notNull(),
    /** The secret, sealed to its recipient; null once received. */
    sealedSecret: text(),
    sealedUntil: time(),
    /** How often disabling it for good has failed. */
    revokeTries: integer().notNull().default(0),
    revokedAt: time(),
  },
  (table) => [
    index("keys_by_owner").on(table.ownerId, table.createdAt),
    index("keys_by_age")
      .on(table.createdAt, table.id)
      .where(sql`${table.phase} in ('live', 'retiring', 'expired', 'gone', 'revoking', 'revoked')`),
    index("keys_reserved")
      .on(table.leaseUntil)
      .where(sql`${table.phase} = 'reserved'`),
    index("keys_by_expiry")
      .on(table.expiresAt)
      .where(sql`${table.phase} in ('live', 'retiring')`),
    index("keys_retiring")
      .on(table.retireAt)
      .where(sql`${table.phase} = 'retiring'`),
    index("keys_unfit")
      .on(table.fitAt)
      .where(sql`${table.fitAt} is not null`),
    index("keys_sealed")
      .on(table.sealedUntil)
      .where(sql`${table.sealedSecret} is not null`),
    index("keys_disabled")
      .on(table.createdAt, table.id)
      .where(sql`${table.disabled} and ${table.phase} in ('live', 'retiring')`),
    index("keys_by_end")
      .on(table.phase, table.createdAt, table.id)
      .where(sql`${table.phase} in ('expired', 'gone', 'revoking', 'revoked')`),
    index("keys_revoking")
      .on(table.leaseUntil)
      .where(sql`${table.phase} = 'revoking'`),
    index("keys_kept")
      .on(table.revokedAt)
      .where(sql`${table.phase} = 'revoked'`),
    /** Two rotations of one key at once would make two successors. */
    uniqueIndex("keys_one_successor")
      .on(table.replacesId)
      .where(sql`${table.phase} <> 'released'`),
    check(
      "keys_live_has_upstream",
      sql`${table.phase} not in ('live', 'retiring') or ${table.upstreamHash} is not null`,
    ),
    check("keys_retiring_ends", sql`${table.phase} <> 'retiring' or ${table.retireAt} is not null`),
  ],
);

/** What OpenRouter last said of a key's spend, US dollars. Apart from `keys`: it changes with every refresh. */
export const keySpend = pgTable("key_spend", {
  keyId: uuid()
    .primaryKey()
    .references(() => keys.id),
  seenAt: time().notNull(),
  limitUsd: doublePrecision(),
  remainingUsd: doublePrecision(),
  dayUsd: doublePrecision().notNull(),
  weekUsd: doublePrecision().notNull(),
  monthUsd: doublePrecision().notNull(),
});

/** Rises and falls with the keys that people are shown; summed up, so that nobody ever counts them all. */
export const shownKeyChanges = pgTable("shown_key_changes", {
  id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  change: integer().notNull(),
});

export const idempotency = pgTable(
  "idempotency",
  {
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    key: uuid().notNull(),
    bodyHash: text().notNull(),
    keyId: uuid()
      .notNull()
      .references(() => keys.id),
    createdAt: time().notNull(),
  },
  (table) => [primaryKey({ columns: [table.ownerId, table.key] }), index("idempotency_by_key").on(table.keyId)],
);

export const raises = pgTable(
  "raises",
  {
    id: uuid().primaryKey(),
    keyId: uuid()
      .notNull()
      .references(() => keys.id),
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    limitCents: integer().notNull(),
    baseCents: integer(),
    until: time().notNull(),
    reason: text().notNull(),
    state: text({ enum: ["waiting", "approved", "refused", "ended"] }).notNull(),
    note: text(),
    createdAt: time().notNull(),
    decidedAt: time(),
    decidedBy: uuid().references(() => owners.id),
  },
  (table) => [
    index("raises_by_owner").on(table.ownerId, table.createdAt),
    index("raises_by_age").on(table.createdAt, table.id),
    index("raises_in_force")
      .on(table.until)
      .where(sql`${table.state} = 'approved'`),
    uniqueIndex("raises_one_open")
      .on(table.keyId)
      .where(sql`${table.state} in ('waiting', 'approved')`),
  ],
);

/** Append-only: triggers refuse to change or remove a row. */
export const audit = pgTable(
  "audit",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    at: time().notNull(),
    actorKind: text({ enum: ["owner", "admin", "system"] }).notNull(),
    actorId: uuid(),
    actorLabel: text().notNull(),
    verb: text().notNull(),
    targetId: text().notNull(),
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    before: jsonb().$type<Readonly<Record<string, unknown>>>(),
    after: jsonb().$type<Readonly<Record<string, unknown>>>(),
    requestId: uuid(),
  },
  (table) => [index("audit_by_owner").on(table.ownerId, table.id)],
);

/** Requests in a minute, by session or address. Not logged to disk: a crash may forget them. */
export const requestCounts = pgTable("request_counts", {
  subject: text().primaryKey(),
  minute: integer().notNull(),
  count: integer().notNull(),
});

export const leases = pgTable("leases", {
  name: text().primaryKey(),
  fence: integer().notNull(),
  expiresAt: time().notNull(),
  doneAt: time(),
  doneComplete: boolean(),
});
