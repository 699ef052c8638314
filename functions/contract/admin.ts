import * as z from "zod/mini";

import { Account } from "./account.ts";
import { Key } from "./keys.ts";
import { Raise } from "./raises.ts";
import { Time } from "./time.ts";

/** What administrators read. `nextCursor` is null on the last page. */

/** A key with its owner; `spend` is as it was last seen. */
export const AdminKey = z.extend(Key, { owner: Account });
export type AdminKey = z.infer<typeof AdminKey>;

/** `total` counts all pages. `spendAsOf` is null until spend was first read; then it is the age of all that is shown. */
export const AdminKeysAnswer = z.object({
  keys: z.array(AdminKey),
  nextCursor: z.nullable(z.string()),
  total: z.number(),
  spendAsOf: z.nullable(Time),
  spendComplete: z.boolean(),
});
export type AdminKeysAnswer = z.infer<typeof AdminKeysAnswer>;

export const AdminRaise = z.extend(Raise, { owner: Account });
export type AdminRaise = z.infer<typeof AdminRaise>;

export const AdminRaisesAnswer = z.object({ raises: z.array(AdminRaise), nextCursor: z.nullable(z.string()) });
export type AdminRaisesAnswer = z.infer<typeof AdminRaisesAnswer>;

/** `actor.kind`: "owner", "admin", or "system" for what the function does by the clock. */
export const AuditRecord = z.object({
  id: z.string(),
  at: Time,
  actor: z.object({ kind: z.string(), id: z.nullable(z.string()), label: z.string() }),
  verb: z.string(),
  targetId: z.string(),
  owner: Account,
  before: z.nullable(z.record(z.string(), z.unknown())),
  after: z.nullable(z.record(z.string(), z.unknown())),
  requestId: z.nullable(z.string()),
});
export type AuditRecord = z.infer<typeof AuditRecord>;

/** Newest first. */
export const AuditAnswer = z.object({ entries: z.array(AuditRecord), nextCursor: z.nullable(z.string()) });
export type AuditAnswer = z.infer<typeof AuditAnswer>;
