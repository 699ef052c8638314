import type { Finding } from "../../policy/evidence.ts";
import { unknown } from "../../policy/evidence.ts";
import type { DirectoryAnswer, DirectoryEvent, DirectoryPerson } from "../../services/directory.ts";

/** What Google and Graph do differently in a round. None of these throws. */
export interface RoundParts {
  /** Up to so many people are all asked about; for more, a list tells whom to ask about. */
  readonly askAllUpTo: number;
  /** How many are asked about at once. */
  readonly batchSize: number;
  readonly readCanary: () => Promise<Finding | undefined>;
  /** Each person by asking. Answers that are missing count as unknown. */
  readonly ask: (people: readonly DirectoryPerson[], canaryHolds: boolean) => Promise<readonly DirectoryAnswer[]>;
  readonly survey: () => Promise<Survey>;
}

/** What a list is good for: whom it gives no reason to ask about. */
export interface Survey {
  readonly looksActive: (person: DirectoryPerson) => boolean;
  /** Why the list is not complete; undefined when it is. */
  readonly failure: string | undefined;
  readonly memory: string | undefined;
}

/** The course of a round, alike for every directory that is asked; see DirectorySource. */
export async function* runRound(
  parts: RoundParts,
  people: AsyncIterable<readonly DirectoryPerson[]>,
  signal: AbortSignal,
): AsyncGenerator<DirectoryEvent> {
  const canary = await parts.readCanary();
  if (signal.aborted) return;
  yield { kind: "canary", finding: canary };
  const holds = canary?.state === "active";

  const suspects: DirectoryPerson[] = [];
  let survey: Survey | undefined;
  let seen = 0;
  for await (const page of people) {
    if (signal.aborted) return;
    seen += page.length;
    if (survey === undefined && seen > parts.askAllUpTo) {
      survey = await parts.survey();
      if (signal.aborted) return;
      // Those who came before it was known how many there are.
      yield* listed(suspects.splice(0), survey);
    }
    yield* listed(page, survey);
    while (survey !== undefined && suspects.length >= parts.batchSize) {
      const answers = await settle(suspects.splice(0, parts.batchSize), survey);
      if (signal.aborted) return;
      yield { kind: "answers", answers };
    }
  }
  while (suspects.length > 0) {
    const answers = await settle(suspects.splice(0, parts.batchSize), survey);
    if (signal.aborted) return;
    yield { kind: "answers", answers };
  }
  if (signal.aborted) return;
  yield { kind: "end", memory: survey?.memory };

  /** Answers for those whom the list gives no reason to ask about; the others become suspects. */
  function* listed(page: readonly DirectoryPerson[], list: Survey | undefined): Generator<DirectoryEvent> {
    const quiet: DirectoryAnswer[] = [];
    for (const person of page) {
      if (list?.looksActive(person) === true) {
        quiet.push({ personId: person.personId, finding: { state: "active" }, isProven: false });
      } else {
        suspects.push(person);
      }
    }
    if (quiet.length > 0) yield { kind: "answers", answers: quiet };
  }

  async function settle(
    batch: readonly DirectoryPerson[],
    list: Survey | undefined,
  ): Promise<readonly DirectoryAnswer[]> {
    // Neither the list nor the canary: asking 10,000 people one by one would only repeat the failure.
    if (list?.failure !== undefined && !holds) return batch.map((person) => unsure(person, list.failure ?? ""));
    const answers = new Map((await parts.ask(batch, holds)).map((answer) => [answer.personId, answer]));
    // A directory may break between the canary and a "not found": one seen active on both sides of it does not.
    const stillHolds = ![...answers.values()].some(isAbsence) || (await parts.readCanary())?.state === "active";
    return batch.map((person) => {
      const answer = answers.get(person.personId);
      if (answer === undefined) return unsure(person, "The directory did not answer about this person.");
      if (!isAbsence(answer)) return answer;
      if (!person.wasSeen) return unsure(person, "The directory has never known an account with this person's id.");
      return stillHolds
        ? answer
        : unsure(person, "The account was not found, but neither was the canary a moment later.");
    });
  }
}

/** Where the directory keeps what was deleted, an absence becomes evidence of its own, and needs no second strike. */
export async function confirmDeletions(
  people: readonly DirectoryPerson[],
  answers: readonly DirectoryAnswer[],
  evidence: string,
  findDeleted: (people: readonly DirectoryPerson[]) => Promise<ReadonlySet<string>>,
): Promise<readonly DirectoryAnswer[]> {
  const absent = new Set(answers.filter(isAbsence).map(({ personId }) => personId));
  if (absent.size === 0) return answers;
  const deleted = await findDeleted(people.filter(({ personId }) => absent.has(personId)));
  return answers.map((answer) =>
    deleted.has(answer.personId) ? { ...answer, finding: { state: "inactive", evidence, isAbsence: false } } : answer,
  );
}

function isAbsence({ finding }: DirectoryAnswer): boolean {
  return finding.state === "inactive" && finding.isAbsence;
}

function unsure(person: DirectoryPerson, reason: string): DirectoryAnswer {
  return { personId: person.personId, finding: unknown(reason), isProven: false };
}
