import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";

import type { Finding } from "../../policy/evidence.ts";
import type { ScimUser } from "../../policy/scim-user.ts";
import type { Candidate, RunCounts } from "../../services/nightly-store.ts";
import { owners, time } from "./schema.ts";

/** The tables of the nightly trigger, apart from the others because a start does not need them. */

/** What each source of the directory last answered about each person. */
export const directoryAnswers = pgTable(
  "directory_answers",
  {
    ownerId: uuid()
      .notNull()
      .references(() => owners.id),
    source: text().notNull(),
    /** The person's id in that directory, where it is another than the sign-in's. */
    subject: text(),
    /** Whether the source has ever seen an account with that id active. */
    wasSeen: boolean().notNull().default(false),
    finding: jsonb().$type<Finding>(),
    isProven: boolean().notNull().default(false),
    checkedAt: time().notNull(),
    /** When the source was last asked outright and said active: what grants rest on. */
    activeAt: time(),
  },
  (table) => [
    primaryKey({ columns: [table.ownerId, table.source] }),
    index("directory_answers_by_age").on(table.source, table.checkedAt, table.ownerId),
  ],
);

/** What follows from the answers, over all sources and runs. */
export const standings = pgTable("standings", {
  ownerId: uuid()
    .primaryKey()
    .references(() => owners.id),
  strikes: integer().notNull().default(0),
  firstStrikeAt: time(),
  lastStrikeAt: time(),
  unknownSince: time(),
  /** The sentence that goes with an unknown or a departure. */
  evidence: text(),
});

/** What a source wants to be told in its next round. */
export const directoryMemories = pgTable("directory_memories", { source: text().primaryKey(), memory: text() });

export const nightlyRuns = pgTable(
  "nightly_runs",
  {
    id: uuid().primaryKey(),
    startedAt: time().notNull(),
    endedAt: time().notNull(),
    mode: text({ enum: ["report", "enforce"] }).notNull(),
    counts: jsonb().$type<RunCounts>().notNull(),
    candidates: jsonb().$type<readonly Candidate[]>().notNull(),
    candidatesHash: text(),
    alerts: jsonb().$type<readonly string[]>().notNull(),
    approvedBy: uuid().references(() => owners.id),
    approvedAt: time(),
  },
  (table) => [index("nightly_runs_by_age").on(table.startedAt, table.id)],
);

/** People as an identity provider pushed them. Nobody is ever removed. */
export const scimUsers = pgTable(
  "scim_users",
  {
    id: uuid().primaryKey(),
    user: jsonb().$type<ScimUser>().notNull(),
    /** In lower case. */
    userName: text().notNull().unique(),
    externalId: text(),
    active: boolean(),
    version: integer().notNull(),
    createdAt: time().notNull(),
    changedAt: time().notNull(),
  },
  (table) => [
    index("scim_users_by_external_id").on(table.externalId),
    index("scim_users_by_age").on(table.createdAt, table.id),
  ],
);

/** The addresses that a person pushed over SCIM has, in lower case, their user name among them. */
export const scimAddresses = pgTable(
  "scim_addresses",
  {
    userId: uuid()
      .notNull()
      .references(() => scimUsers.id),
    address: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.address, table.userId] }), index("scim_addresses_by_user").on(table.userId)],
);
