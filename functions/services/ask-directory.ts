import type { Finding, SourceFinding } from "../policy/evidence.ts";
import { combineFindings } from "../policy/evidence.ts";
import { mayRestOn } from "../policy/grant.ts";
import type { Owner } from "./account-store.ts";
import { clockActor } from "./audit.ts";
import type { Deps } from "./deps.ts";
import type { DirectorySource } from "./directory.ts";
import { ServiceError } from "./errors.ts";
import { offboarded } from "./sessions.ts";

/** A person waits for this. */
const askMs = 8_000;

/**
 * Throws unless the directory has vouched for the person in the last 15 minutes: without that nothing is made, revived
 * or raised. Where no directory is set up, everybody passes. `isOwn`: the person themselves is told, not somebody else.
 */
export async function requireActive(deps: Deps, ownerId: string, isOwn = true): Promise<void> {
  if (deps.directory.length === 0) return;
  const known = await deps.directoryStore.answersAbout(ownerId);
  if (mayRestOn(known, deps.clock())) return;
  const finding = await askAll(deps, ownerId);
  switch (finding.state) {
    case "active":
      return;
    case "inactive":
      // A sign-in undoes this; the keys are for the nightly run, behind its rails.
      await deps.revocations.endSessionsOf([ownerId]);
      throw isOwn ? offboarded() : new ServiceError("offboarded", "The directory says that this person has left.");
    case "unknown":
      throw new ServiceError(
        "directory_unknown",
        isOwn
          ? "The company directory cannot say right now whether you still work here. Try again in a minute; if it stays so, ask an administrator."
          : "The company directory cannot say right now whether this person still works here. Try again in a minute.",
        { retryAfter: 60 },
      );
  }
}

/**
 * For a sign-in: somebody the directory says has left does not come in; a directory that cannot say keeps nobody out,
 * since nothing is granted on that. Whoever was blocked comes back only when the directory vouches for them anew.
 */
export async function admitByDirectory(deps: Deps, owner: Owner): Promise<void> {
  const finding = deps.directory.length === 0 ? undefined : await askAll(deps, owner.id);
  if (finding?.state === "inactive") throw offboarded();
  if (!owner.blocked) return;
  if (finding?.state !== "active") throw offboarded();
  await deps.revocations.unblock(owner.id, {
    actor: clockActor,
    verb: "person.return",
    targetId: owner.id,
    ownerId: owner.id,
    before: null,
    after: { evidence: "The directory says that the person is active, and they signed in." },
    at: deps.clock(),
  });
}

/** Asks every source outright, and keeps what they say. An absence counts for nothing here: there is no canary. */
async function askAll(deps: Deps, ownerId: string): Promise<Finding> {
  const signal = AbortSignal.timeout(askMs);
  const findings = await Promise.all(deps.directory.map((source) => askOutright(deps, source, ownerId, signal)));
  return combineFindings(findings.flatMap((finding) => finding ?? []));
}

/** Asks one source about one person, and keeps what it says. Undefined when there is no such owner. */
export async function askOutright(
  deps: Deps,
  source: DirectorySource,
  ownerId: string,
  signal: AbortSignal,
): Promise<SourceFinding | undefined> {
  const person = await deps.directoryStore.personToAsk(source.name, ownerId);
  if (person === undefined) return undefined;
  const answer = await source.ask(person, signal);
  await deps.directoryStore.saveAnswers(source.name, [answer], deps.clock());
  return { source: source.name, finding: answer.finding, isProven: answer.isProven };
}
