import { and, desc, eq, gt, inArray, lte, ne, sql } from "drizzle-orm";

import type { AccountStore, Owner } from "../../services/account-store.ts";
import type { Database } from "./database.ts";
import { owners, sessions, signInAttempts, signInCodes, usedTokens } from "./schema.ts";
import { statement } from "./statement.ts";

export function createAccountStore(database: Database): AccountStore {
  return {
    async saveAttempt(attempt) {
      await database.insert(signInAttempts).values({
        ...attempt,
        freshSince: attempt.freshSince === undefined ? null : new Date(attempt.freshSince),
        expiresAt: new Date(attempt.expiresAt),
      });
    },

    async takeAttempt(stateHash, now) {
      await database.delete(signInAttempts).where(lte(signInAttempts.expiresAt, new Date(now)));
      const [row] = await database.delete(signInAttempts).where(eq(signInAttempts.stateHash, stateHash)).returning();
      return row === undefined
        ? undefined
        : { ...row, freshSince: row.freshSince?.getTime(), expiresAt: row.expiresAt.getTime() };
    },

    admit: (person, ownerId, now) =>
      database.transaction(async (transaction) => {
        // Two first sign-ins at once: the second waits here and then finds the first one's row.
        await transaction
          .insert(owners)
          .values({ ...person, id: ownerId, groups: [...person.groups], createdAt: new Date(now) })
          .onConflictDoNothing();
        const identity = and(eq(owners.issuer, person.issuer), eq(owners.subject, person.subject));
        const [row] = await transaction.select().from(owners).where(identity).for("update");
        const [holder] = await transaction.select().from(owners).where(eq(owners.email, person.email));
        if (holder !== undefined && holder.id !== row?.id) return { kind: "conflict", ownerId: holder.id };
        if (row === undefined) throw new Error("An owner who was just inserted is not there.");
        const label = { email: person.email, groups: [...person.groups] };
        await transaction.update(owners).set(label).where(eq(owners.id, row.id));
        return { kind: "owner", owner: toOwner({ ...row, ...label }) };
      }),

    async findOwner(ownerId) {
      const [row] = await database.select().from(owners).where(eq(owners.id, ownerId));
      return row === undefined ? undefined : toOwner(row);
    },

    async saveCode(code) {
      await database
        .insert(signInCodes)
        .values({ ...code, authTime: new Date(code.authTime), expiresAt: new Date(code.expiresAt) });
    },

    async takeCode(codeHash, now) {
      await database.delete(signInCodes).where(lte(signInCodes.expiresAt, new Date(now)));
      const [row] = await database.delete(signInCodes).where(eq(signInCodes.codeHash, codeHash)).returning();
      return row === undefined
        ? undefined
        : { ...row, authTime: row.authTime.getTime(), expiresAt: row.expiresAt.getTime() };
    },

    saveSession: (session) =>
      database.transaction(async (transaction) => {
        const [owner] = await transaction.select().from(owners).where(eq(owners.id, session.ownerId)).for("update");
        if (owner === undefined || owner.blockedAt !== null) return undefined;
        await transaction.insert(sessions).values({
          id: session.id,
          tokenHash: session.tokenHash,
          ownerId: session.ownerId,
          createdAt: new Date(session.now),
          authTime: new Date(session.authTime),
          lastUsedAt: new Date(session.now),
          idleUntil: new Date(session.idleUntil),
          expiresAt: new Date(session.expiresAt),
          client: session.client,
        });
        const surplus = transaction
          .select({ tokenHash: sessions.tokenHash })
          .from(sessions)
          // The one just opened stays, whatever the clock said to the others.
          .where(and(eq(sessions.ownerId, session.ownerId), ne(sessions.id, session.id)))
          .orderBy(desc(sessions.createdAt))
          .offset(session.most - 1);
        await transaction.delete(sessions).where(inArray(sessions.tokenHash, surplus));
        return toOwner(owner);
      }),

    async findSession(tokenHash, now) {
      const [row] = await selectSession(database, { tokenHash, now: new Date(now).toISOString() });
      return row === undefined
        ? undefined
        : {
            owner: toOwner(row.owners),
            authTime: row.sessions.authTime.getTime(),
            lastUsedAt: row.sessions.lastUsedAt.getTime(),
          };
    },

    async touchSession(tokenHash, now, idleUntil) {
      await database
        .update(sessions)
        .set({ lastUsedAt: new Date(now), idleUntil: new Date(idleUntil) })
        .where(eq(sessions.tokenHash, tokenHash));
    },

    async endSession(tokenHash) {
      await database.delete(sessions).where(eq(sessions.tokenHash, tokenHash));
    },

    async listSessions(ownerId, now) {
      const rows = await database
        .select()
        .from(sessions)
        .where(
          and(
            eq(sessions.ownerId, ownerId),
            gt(sessions.expiresAt, new Date(now)),
            gt(sessions.idleUntil, new Date(now)),
          ),
        )
        .orderBy(desc(sessions.createdAt));
      return rows.map(({ id, tokenHash, client, createdAt, lastUsedAt, expiresAt }) => ({
        id,
        tokenHash,
        client,
        createdAt: createdAt.getTime(),
        lastUsedAt: lastUsedAt.getTime(),
        expiresAt: expiresAt.getTime(),
      }));
    },

    async endOwnSession(ownerId, id) {
      const ended = await database
        .delete(sessions)
        .where(and(eq(sessions.id, id), eq(sessions.ownerId, ownerId)))
        .returning({ id: sessions.id });
      return ended.length === 1;
    },

    async useToken(tokenHash, expiresAt, now) {
      await database.delete(usedTokens).where(lte(usedTokens.expiresAt, new Date(now)));
      const used = await database
        .insert(usedTokens)
        .values({ tokenHash, expiresAt: new Date(expiresAt) })
        .onConflictDoNothing()
        .returning({ tokenHash: usedTokens.tokenHash });
      return used.length === 1;
    },
  };
}

const selectSession = statement((database) =>
  database
    .select()
    .from(sessions)
    .innerJoin(owners, eq(owners.id, sessions.ownerId))
    .where(
      and(
        eq(sessions.tokenHash, sql.placeholder("tokenHash")),
        gt(sessions.expiresAt, sql.placeholder("now")),
        gt(sessions.idleUntil, sql.placeholder("now")),
      ),
    ),
);

function toOwner(row: typeof owners.$inferSelect): Owner {
  return {
    id: row.id,
    issuer: row.issuer,
    subject: row.subject,
    email: row.email,
    groups: row.groups,
    blocked: row.blockedAt !== null,
  };
}
