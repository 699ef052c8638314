import { inArray } from "drizzle-orm";

import type { Database } from "./database.ts";
import { sessions, signInCodes } from "./schema.ts";

/** Signs people out everywhere, and out of what they were about to sign in to. */
export async function endSessions(database: Database, ownerIds: readonly string[]): Promise<void> {
  if (ownerIds.length === 0) return;
  await database.delete(sessions).where(inArray(sessions.ownerId, [...ownerIds]));
  await database.delete(signInCodes).where(inArray(signInCodes.ownerId, [...ownerIds]));
}
