import type { Admission } from "../policy/admission.ts";
import { judgePerson } from "../policy/admission.ts";
import type { Owner } from "./account-store.ts";
import { admitByDirectory } from "./ask-directory.ts";
import { clockActor } from "./audit.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { Identity } from "./identity-issuer.ts";

/** The owner behind a checked identity, made at their first sign-in; throws where they may not come in. */
export async function admitPerson(deps: Deps, identity: Identity): Promise<Owner> {
  const admission = judgePerson(identity, deps.rules);
  if (admission.kind === "refused") throw new ServiceError("forbidden", refusal(admission));
  const { issuer, subject, groups } = identity;
  const person = { issuer, subject, groups, email: admission.email };
  const outcome = await deps.accounts.admit(person, crypto.randomUUID(), deps.clock());
  if (outcome.kind === "conflict") {
    const { ownerId } = outcome;
    const id = crypto.randomUUID();
    const now = deps.clock();
    const state = await deps.identities.record({
      id,
      ownerId,
      person,
      now,
      audit: {
        actor: clockActor,
        verb: "identity.conflict",
        targetId: id,
        ownerId,
        before: null,
        after: { issuer, subject },
        at: now,
      },
    });
    throw new ServiceError(
      "identity_conflict",
      state === "waiting"
        ? `${person.email} already belongs to another account here. An administrator has to decide which one is right; ask one, then sign in again.`
        : `${person.email} already belongs to another account here, and an administrator has refused this one. Talk to them if that is a mistake.`,
    );
  }
  await admitByDirectory(deps, outcome.owner);
  return outcome.owner;
}

function refusal({ why, email }: Extract<Admission, { kind: "refused" }>): string {
  switch (why) {
    case "no-email":
      return "Your account has no usable e-mail address. Ask an administrator of your sign-in service.";
    case "guest":
      return `${email} is a guest in this company. Sign in with an account of its own.`;
    case "unverified":
      return `Your sign-in service does not vouch for ${email}. Verify the address there, or ask an administrator of the sign-in service.`;
    case "elsewhere":
      return `${email} is not an account of this company. Sign in with your work account.`;
  }
}
