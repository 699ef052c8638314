import { and, eq } from "drizzle-orm";

import { labelWithoutAddress } from "../../policy/email.ts";
import type { DecideIdentity, DecisionOutcome } from "../../services/identity-store.ts";
import { writeAudit } from "./audit-store.ts";
import type { Database } from "./database.ts";
import { endSessions } from "./end-sessions.ts";
import { identityConflicts, owners } from "./schema.ts";

type Conflict = typeof identityConflicts.$inferSelect;

export function decideIdentity(database: Database, request: DecideIdentity): Promise<DecisionOutcome> {
  const { id, decision, decidedBy, now, audit } = request;
  return database.transaction(async (transaction) => {
    const [conflict] = await transaction
      .select()
      .from(identityConflicts)
      .where(eq(identityConflicts.id, id))
      .for("update");
    if (conflict === undefined) return "missing";
    // A refusal can be thought better of; what was merged or separated has happened.
    const isFinal = conflict.decision === "merge" || conflict.decision === "separate";
    if (isFinal || conflict.decision === decision) return "decided";
    const failed = await carryOut(transaction, conflict, request);
    if (failed !== undefined) return failed;
    await transaction
      .update(identityConflicts)
      .set({ decision, decidedBy, decidedAt: new Date(now) })
      .where(eq(identityConflicts.id, id));
    await writeAudit(transaction, audit);
    return "done";
  });
}

async function carryOut(
  transaction: Database,
  conflict: Conflict,
  { decision, newOwnerId, now }: DecideIdentity,
): Promise<DecisionOutcome | undefined> {
  if (decision === "refuse") return undefined;
  const { email, issuer, subject, ownerId } = conflict;
  const [owner] = await transaction.select().from(owners).where(eq(owners.id, ownerId)).for("update");
  if (owner === undefined) return "missing";
  if (decision === "merge" && owner.blockedAt !== null) return "blocked";
  if (owner.email !== email) return "changed";
  const [other] = await transaction
    .select()
    .from(owners)
    .where(and(eq(owners.issuer, issuer), eq(owners.subject, subject)))
    .for("update");

  if (decision === "merge") {
    if (other !== undefined) return "taken";
    // The groups were the old identity's; the next sign-in brings the others.
    await transaction.update(owners).set({ issuer, subject, groups: [] }).where(eq(owners.id, ownerId));
  } else {
    if (other !== undefined && other.blockedAt !== null) return "blocked";
    await transaction
      .update(owners)
      .set({ email: labelWithoutAddress(email, ownerId) })
      .where(eq(owners.id, ownerId));
    if (other === undefined) {
      const fresh = { id: newOwnerId, issuer, subject, email, groups: [], createdAt: new Date(now) };
      await transaction.insert(owners).values(fresh);
    } else await transaction.update(owners).set({ email }).where(eq(owners.id, other.id));
  }
  await endSessions(transaction, [ownerId]);
  return undefined;
}
