import * as z from "zod/mini";

import { Account } from "./account.ts";
import { Time } from "./time.ts";

/**
 * Somebody signed in with the e-mail of `owner` as another account of the sign-in service. `known` is the account that
 * the owner has, `came` the one that came.
 */
export const IdentityConflict = z.object({
  id: z.string(),
  state: z.enum(["waiting", "refused"]),
  owner: Account,
  known: z.object({ issuer: z.string(), subject: z.string() }),
  came: z.object({ issuer: z.string(), subject: z.string() }),
  askedAt: Time,
});
export type IdentityConflict = z.infer<typeof IdentityConflict>;

export const IdentitiesAnswer = z.object({ identities: z.array(IdentityConflict) });
export type IdentitiesAnswer = z.infer<typeof IdentitiesAnswer>;
