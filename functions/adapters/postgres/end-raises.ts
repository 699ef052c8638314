import { and, eq, inArray, or, sql } from "drizzle-orm";

import { livePhases } from "../../policy/key-phase.ts";
import type { Database } from "./database.ts";
import { keys, raises } from "./schema.ts";

/** Ends what was asked for or is in force on a key that ends. */
export async function endRaisesOf(transaction: Database, keyId: string, now: number): Promise<void> {
  const ended = await transaction
    .update(raises)
    .set({ state: "ended" })
    .where(and(eq(raises.keyId, keyId), inArray(raises.state, ["waiting", "approved"])))
    .returning({ baseCents: raises.baseCents, decidedAt: raises.decidedAt });
  for (const { baseCents, decidedAt } of ended) {
    if (decidedAt !== null) await lowerWanted(transaction, keyId, baseCents ?? undefined, now);
  }
}

/** A raise is over: for the key, and for a successor that is being made for it and was promised the same. */
export async function lowerWanted(
  transaction: Database,
  keyId: string,
  baseCents: number | undefined,
  now: number,
): Promise<void> {
  await transaction
    .update(keys)
    .set({
      wantedCents:
        baseCents === undefined ? sql`${keys.limitCents}` : sql`least(${keys.wantedCents}, ${baseCents}::int)`,
      fitAt: new Date(now),
    })
    .where(or(and(eq(keys.id, keyId), inArray(keys.phase, [...livePhases])), isSuccessorOf(keyId)));
}

/** The key that is being made to take over from another. */
export function isSuccessorOf(keyId: string) {
  return and(eq(keys.replacesId, keyId), eq(keys.phase, "reserved"));
}
