import type { Acting } from "./audit.ts";
import { asAdmin } from "./audit.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import type { Decision } from "./identity-store.ts";

/**
 * An administrator says whether two accounts with one e-mail are one person, or whose the e-mail is now. Nobody decides
 * about themselves, neither as the owner whose keys are at stake nor as the one who came. A refusal can be thought
 * better of later.
 */
export async function decideIdentity(
  deps: Deps,
  acting: Acting,
  { id, decision }: { id: string; decision: Decision },
): Promise<void> {
  const { owner: admin } = acting;
  const conflict = await deps.identities.find(id);
  if (conflict === undefined) throw missing();
  const isOwnCase =
    conflict.owner.id === admin.id ||
    conflict.email === admin.email ||
    (conflict.issuer === admin.issuer && conflict.subject === admin.subject);
  if (isOwnCase) {
    throw new ServiceError("forbidden", "This is about your own account. Another administrator has to decide it.");
  }
  const now = deps.clock();
  const outcome = await deps.identities.decide({
    id,
    decision,
    newOwnerId: crypto.randomUUID(),
    decidedBy: admin.id,
    now,
    audit: {
      actor: asAdmin(acting),
      verb: `identity.${decision}`,
      targetId: id,
      ownerId: conflict.owner.id,
      before: { issuer: conflict.owner.issuer, subject: conflict.owner.subject, email: conflict.email },
      after: { issuer: conflict.issuer, subject: conflict.subject },
      at: now,
    },
  });
  switch (outcome) {
    case "done":
      return;
    case "missing":
      throw missing();
    case "decided":
      throw new ServiceError("conflict", "This was decided already.");
    case "taken":
      throw new ServiceError(
        "conflict",
        "The account that came has keys of its own here, so the two cannot become one. If the e-mail is theirs now, separate the two; else refuse it, or correct the e-mail at the sign-in service.",
      );
    case "blocked":
      throw new ServiceError(
        "conflict",
        decision === "merge"
          ? "The owner of this e-mail has left; nobody is merged into a leaver. If the address was given to somebody else, separate the two."
          : "The account that came has been cut off here, so it gets no e-mail of anybody.",
      );
    case "changed":
      throw new ServiceError("conflict", "The owner has another e-mail by now. Ask the person to sign in again.");
  }
}

function missing(): ServiceError {
  return new ServiceError("not_found", "There is no such conflict of identities.");
}
