import { and, asc, eq, gt, gte, inArray, isNull, lte, or, sql } from "drizzle-orm";

import { transitions, upstreamPhases } from "../../policy/key-phase.ts";
import type { AuditEntry } from "../../services/audit.ts";
import { clockActor } from "../../services/audit.ts";
import type { Lease } from "../../services/lease-store.ts";
import type { BlockRequest, RevocationStore, RevokedKey } from "../../services/revocation-store.ts";
import { LeaseLost } from "../../services/revocation-store.ts";
import { writeAudit, writeAudits } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { endSessions } from "./end-sessions.ts";
import { claimKeys, toKeyRow } from "./key-row.ts";
import { keys, leases, owners, raises } from "./schema.ts";

/** More in one transaction would hold up their owners' requests. */
const blockedAtOnce = 200;

export function createRevocationStore(database: Database): RevocationStore {
  return {
    async block(request) {
      const blocked: string[] = [];
      for (let start = 0; start < request.leavers.length; start += blockedAtOnce) {
        const leavers = request.leavers.slice(start, start + blockedAtOnce);
        blocked.push(...(await database.transaction((transaction) => block(transaction, { ...request, leavers }))));
      }
      return blocked;
    },

    unblock: (ownerId, entry) =>
      database.transaction(async (transaction) => {
        const unblocked = await transaction
          .update(owners)
          .set({ blockedAt: null, blockApproved: false })
          .where(and(eq(owners.id, ownerId), sql`${owners.blockedAt} is not null`))
          .returning({ id: owners.id });
        if (unblocked.length === 0) return false;
        await writeAudit(transaction, entry);
        return true;
      }),

    endSessionsOf: (ownerIds) => endSessions(database, ownerIds),

    async ownersNamed({ subjects, emails }) {
      if (subjects.length + emails.length === 0) return [];
      const rows = await database
        .select({ id: owners.id })
        .from(owners)
        .where(or(inArray(owners.subject, [...subjects]), inArray(owners.email, [...emails])));
      return rows.map(({ id }) => id);
    },

    async claim(now, leaseUntil, limit) {
      const where = and(eq(keys.phase, "revoking"), lte(keys.leaseUntil, new Date(now)));
      const rows = await claimKeys(database, { where, order: keys.leaseUntil, limit, leaseUntil });
      return rows.map((row) => ({ row: toKeyRow(row), tries: row.revokeTries }));
    },

    confirm: (revoked, now) => database.transaction((transaction) => confirmRevoked(transaction, revoked, now)),

    async retry(keyId, at) {
      await database
        .update(keys)
        .set({ leaseUntil: new Date(at), revokeTries: sql`${keys.revokeTries} + 1` })
        .where(and(eq(keys.id, keyId), eq(keys.phase, "revoking")));
    },

    async nextAt() {
      const [row] = await database
        .select({ leaseUntil: keys.leaseUntil })
        .from(keys)
        .where(eq(keys.phase, "revoking"))
        .orderBy(asc(keys.leaseUntil))
        .limit(1);
      return row?.leaseUntil.getTime();
    },

    async ownersLeft() {
      const rows = await database.selectDistinct({ id: keys.ownerId }).from(keys).where(eq(keys.phase, "revoking"));
      return rows.map(({ id }) => id);
    },

    async stuck(tries, limit) {
      const rows = await database
        .select({
          keyId: keys.id,
          name: keys.name,
          ownerId: owners.id,
          email: owners.email,
          tries: keys.revokeTries,
          since: owners.blockedAt,
          expiresAt: keys.expiresAt,
        })
        .from(keys)
        .innerJoin(owners, eq(owners.id, keys.ownerId))
        .where(and(eq(keys.phase, "revoking"), gte(keys.revokeTries, tries)))
        .orderBy(asc(owners.blockedAt), asc(keys.id))
        .limit(limit);
      // Somebody who is back is not blocked any more, while an old key of theirs may still be.
      return rows.map(({ since, expiresAt, ...row }) => ({ ...row, since: (since ?? expiresAt).getTime() }));
    },

    async claimKept(revokedBefore, now, leaseUntil, limit) {
      const isFree = lte(keys.leaseUntil, new Date(now));
      const where = and(eq(keys.phase, "revoked"), lte(keys.revokedAt, new Date(revokedBefore)), isFree);
      const rows = await claimKeys(database, { where, order: keys.revokedAt, limit, leaseUntil });
      return rows.map(toKeyRow);
    },

    async hold(keyId, now, leaseUntil) {
      const [row] = await database
        .update(keys)
        .set({ leaseUntil: new Date(leaseUntil) })
        .where(and(eq(keys.id, keyId), inArray(keys.phase, [...upstreamPhases]), lte(keys.leaseUntil, new Date(now))))
        .returning();
      return row === undefined ? undefined : toKeyRow(row);
    },

    async letGo(keyId) {
      await database
        .update(keys)
        .set({ leaseUntil: new Date(0) })
        .where(and(eq(keys.id, keyId), inArray(keys.phase, [...upstreamPhases])));
    },
  };
}

async function block(transaction: Database, request: BlockRequest): Promise<readonly string[]> {
  const at = new Date(request.now);
  await requireLease(transaction, request.lease, at);
  const evidence = new Map(request.leavers.map((leaver) => [leaver.ownerId, leaver.evidence]));
  // The lock under which their keys are counted; in one order, so that no two wait for each other in a ring.
  const found = await transaction
    .select({ id: owners.id })
    .from(owners)
    .where(and(inArray(owners.id, [...evidence.keys()]), isNull(owners.blockedAt)))
    .orderBy(asc(owners.id))
    .for("no key update");
  const ids = found.map(({ id }) => id);
  if (ids.length === 0) return [];
  await transaction
    .update(owners)
    .set({ blockedAt: at, blockApproved: request.isApproved })
    .where(inArray(owners.id, ids));
  await endSessions(transaction, ids);
  await transaction
    .update(raises)
    .set({ state: "ended" })
    .where(and(inArray(raises.ownerId, ids), inArray(raises.state, ["waiting", "approved"])));
  // Whoever is making a key for them can no longer confirm it, and the sweep clears away what it leaves.
  await transaction
    .update(keys)
    .set({ attempt: sql`${keys.attempt} + 1`, leaseUntil: new Date(0) })
    .where(and(inArray(keys.ownerId, ids), inArray(keys.phase, [...transitions.takeOver.from])));
  // A lease stays: somebody may be enabling the key at this moment, and it must be disabled after that.
  const revoking = await transaction
    .update(keys)
    .set({ phase: transitions.revoke.to, fitAt: null, sealedSecret: null, revokeTries: 0 })
    .where(and(inArray(keys.ownerId, ids), inArray(keys.phase, [...transitions.revoke.from])))
    .returning({ id: keys.id, ownerId: keys.ownerId, name: keys.name });
  const said = { actor: clockActor, at: request.now };
  await writeAudits(transaction, [
    ...ids.map((ownerId): AuditEntry => ({
      ...said,
      verb: "person.block",
      targetId: ownerId,
      ownerId,
      before: null,
      after: { evidence: evidence.get(ownerId) ?? "", run: request.runId },
    })),
    ...revoking.map(({ id, ownerId, name }): AuditEntry => ({
      ...said,
      verb: "key.revoke",
      targetId: id,
      ownerId,
      before: { name },
      after: { run: request.runId },
    })),
  ]);
  return ids;
}

/** Holds the lease's row until the transaction ends, so that nobody takes it over between the look and the change. */
async function requireLease(transaction: Database, lease: Lease, at: Date): Promise<void> {
  const [held] = await transaction
    .select({ fence: leases.fence })
    .from(leases)
    .where(and(eq(leases.name, lease.name), eq(leases.fence, lease.fence), gt(leases.expiresAt, at)))
    .for("share");
  if (held === undefined) throw new LeaseLost("Another run has taken over.");
}

async function confirmRevoked(transaction: Database, revoked: readonly RevokedKey[], now: number): Promise<void> {
  if (revoked.length === 0) return;
  const rows = JSON.stringify(
    revoked.map(({ row, charge }) => ({
      id: row.id,
      cents: charge.cents,
      until: new Date(charge.until).toISOString(),
    })),
  );
  const at = new Date(now).toISOString();
  const confirmed = await transaction
    .update(keys)
    .set({
      phase: transitions.confirmRevoked.to,
      disabled: true,
      revokedAt: sql`${at}::timestamptz`,
      endedAt: sql`${at}::timestamptz`,
      chargedCents: sql`seen.cents`,
      chargedUntil: sql`seen.until`,
      leaseUntil: new Date(0),
    })
    .from(sql`jsonb_to_recordset(${rows}::jsonb) as seen (id uuid, cents integer, until timestamptz)`)
    .where(and(eq(keys.id, sql`seen.id`), inArray(keys.phase, [...transitions.confirmRevoked.from])))
    .returning({ id: keys.id, ownerId: keys.ownerId, name: keys.name });
  await writeAudits(
    transaction,
    confirmed.map(({ id, ownerId, name }) => ({
      actor: clockActor,
      verb: "key.revoked",
      targetId: id,
      ownerId,
      before: { name },
      after: null,
      at: now,
    })),
  );
}
