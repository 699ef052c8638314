import type { Deps } from "./deps.ts";
import type { ScimRecord } from "./scim-store.ts";

/**
 * A provider says over SCIM that somebody is not active: their sessions end at once, which a sign-in undoes should it
 * be a mistake. Their keys are for the nightly run, behind its rails.
 */
export async function endDeactivated(deps: Deps, { user }: ScimRecord): Promise<void> {
  const addresses = [user.userName, ...user.emails.map(({ value }) => value)].map((address) => address.toLowerCase());
  const ownerIds = await deps.revocations.ownersNamed({
    subjects: user.externalId === undefined ? [] : [user.externalId],
    emails: [...new Set(addresses)],
  });
  await deps.revocations.endSessionsOf(ownerIds);
}
