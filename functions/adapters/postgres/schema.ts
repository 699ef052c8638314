import { sql } from "drizzle-orm";
import {
  boolean,
  check,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uuid,
} from "drizzle-orm/pg-core";

const time = () => timestamp({ withTimezone: true, mode: "date" });

/** One row: the name this deployment puts into the marks of its keys. */
export const deployment = pgTable(
  "deployment",
  { id: smallint().primaryKey().default(1), mark: text().notNull() },
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
    blockedAt: time(),
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
    decision: text({ enum: ["merge", "refuse"] }),
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
    lifecycle: text({ enum: ["reserved", "live", "ended"] }).notNull(),
    endedAs: text({ enum: ["deleted", "gone", "revoked", "released"] }),
    endedAt: time(),
    disabled: boolean().notNull().default(false),
    limitCents: integer().notNull(),
    reset: text({ enum: ["daily", "weekly", "monthly"] }).notNull(),
    workspaceId: text(),
    createdAt: time().notNull(),
    expiresAt: time().notNull(),
    attempt: integer().notNull(),
    leaseUntil: time().notNull(),
    /** The secret, sealed to its recipient; null once received. */
    sealedSecret: text(),
    sealedUntil: time(),
  },
  (table) => [
    index("keys_by_owner").on(table.ownerId, table.createdAt),
    index("keys_reserved")
      .on(table.leaseUntil)
      .where(sql`${table.lifecycle} = 'reserved'`),
    check("keys_live_has_upstream", sql`${table.lifecycle} <> 'live' or ${table.upstreamHash} is not null`),
    check("keys_ended_says_how", sql`(${table.lifecycle} = 'ended') = (${table.endedAs} is not null)`),
  ],
);

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
