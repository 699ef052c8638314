import { addressesOf } from "../policy/scim-user.ts";
import type { Deps } from "./deps.ts";
import type { ScimRecord } from "./scim-store.ts";

/**
 * A provider says over SCIM that somebody is not active: their sessions end at once, which a sign-in undoes should it
 * be a mistake. Their keys are for the nightly run, behind its rails.
 */
export async function endDeactivated(deps: Deps, { user }: ScimRecord): Promise<void> {
  const ownerIds = await deps.revocations.ownersNamed({
    subjects: user.externalId === undefined ? [] : [user.externalId],
    emails: addressesOf(user),
  });
  await deps.revocations.endSessionsOf(ownerIds);
}
