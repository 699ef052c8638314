import type { Finding, SourceFinding } from "../policy/evidence.ts";
import { combineFindings, sourcesToAsk } from "../policy/evidence.ts";
import { assess } from "../policy/offboarding.ts";
import { askOutright } from "./ask-directory.ts";
import type { Deps } from "./deps.ts";
import type { DirectoryPerson, DirectorySource } from "./directory.ts";
import type { AskedPlace } from "./directory-store.ts";
import type { Candidate, CheckedPerson, NewStanding } from "./nightly-store.ts";
import { people } from "./people.ts";

/** Read and written at once: large enough that ten thousand people are a few statements, small beside what runs them. */
const page = 2_500;

/** What the directories said of everybody in this run. Counts are of people. */
export interface CheckedPeople {
  readonly checked: number;
  readonly active: number;
  readonly inactive: number;
  readonly unknown: number;
  readonly due: readonly Candidate[];
  /** Sentences for administrators. */
  readonly alerts: readonly string[];
  /** False when the time was up before everybody was asked about. */
  readonly isWhole: boolean;
}

/**
 * Asks every source about everybody, those least recently asked about first, then judges each person by what all of
 * them said. What is asked is kept page by page, so that a run that is cut off is taken up by the next. Memory does not
 * grow with the number of people.
 */
export async function checkPeople(deps: Deps, started: number, signal: AbortSignal): Promise<CheckedPeople> {
  const alerts: string[] = [];
  const rounds = await Promise.all(
    deps.directory.map(async (source) => runRound(deps, source, started, alerts, signal)),
  );
  const judged = await judgeEverybody(deps, started, signal);
  return {
    ...judged,
    alerts: [...alerts, ...judged.alerts],
    isWhole: judged.isWhole && rounds.every((isWhole) => isWhole),
  };
}

/** Whether everybody was asked about. */
async function runRound(
  deps: Deps,
  source: DirectorySource,
  started: number,
  alerts: string[],
  signal: AbortSignal,
): Promise<boolean> {
  await deps.directoryStore.enlist(source.name);
  const memory = await deps.directoryStore.memory(source.name);
  for await (const event of source.check(peopleToAsk(deps, source.name, started), memory, signal)) {
    switch (event.kind) {
      case "canary":
        alerts.push(...canaryAlerts(source.name, event.finding));
        break;
      case "answers":
        await deps.directoryStore.saveAnswers(source.name, event.answers, Math.max(deps.clock(), started));
        break;
      case "end":
        await deps.directoryStore.saveMemory(source.name, event.memory);
        return true;
    }
  }
  return false;
}

function canaryAlerts(source: string, finding: Finding | undefined): readonly string[] {
  if (finding === undefined) {
    return [
      `${source}: no DIRECTORY_CANARY is set, so an account that is missing is never taken for somebody who has left.`,
    ];
  }
  if (finding.state === "active") return [];
  const why = finding.state === "unknown" ? finding.reason : finding.evidence;
  return [`${source}: the person in DIRECTORY_CANARY was not seen active. ${why}`];
}

async function* peopleToAsk(deps: Deps, source: string, started: number): AsyncGenerator<readonly DirectoryPerson[]> {
  let after: AskedPlace | undefined;
  for (;;) {
    const asked = await deps.directoryStore.peopleToAsk(source, started, after, page);
    if (asked.length > 0) yield asked;
    after = asked.at(-1);
    if (asked.length < page) return;
  }
}

async function judgeEverybody(
  deps: Deps,
  started: number,
  signal: AbortSignal,
): Promise<Omit<CheckedPeople, "alerts"> & { readonly alerts: string[] }> {
  const counts = { active: 0, inactive: 0, unknown: 0 };
  const due: Candidate[] = [];
  const alarms = new Map<string, number>();
  const names = deps.directory.map(({ name }) => name);
  let after: string | undefined;
  let isWhole = true;
  while (names.length > 0) {
    if (signal.aborted) {
      isWhole = false;
      break;
    }
    const checked = await deps.nightly.checkedPeople(names, started, after, page);
    const standings: NewStanding[] = [];
    for (const person of checked) {
      const { finding, isProven } = await judge(deps, person, signal);
      const assessment = assess(finding, isProven, person.standing, deps.clock());
      const { standing, evidence } = assessment;
      standings.push({ ownerId: person.ownerId, standing, evidence });
      counts[finding.state] += 1;
      if (assessment.kind === "due")
        due.push({ ownerId: person.ownerId, email: person.email, evidence: evidence ?? "" });
      if (finding.state === "unknown" && finding.isAlarming) {
        alarms.set(finding.reason, (alarms.get(finding.reason) ?? 0) + 1);
      }
    }
    await deps.nightly.saveStandings(standings);
    after = checked.at(-1)?.ownerId;
    if (checked.length < page) break;
  }
  return {
    ...counts,
    checked: counts.active + counts.inactive + counts.unknown,
    due,
    alerts: [...alarms].map(([reason, count]) => `${people(count)}: ${reason}`),
    isWhole,
  };
}

/** A list that says active may lag behind: whoever another source says has left is asked about there outright. */
async function judge(
  deps: Deps,
  person: CheckedPerson,
  signal: AbortSignal,
): Promise<{ finding: Finding; isProven: boolean }> {
  const asked = new Map<string, SourceFinding>();
  for (const name of sourcesToAsk(person.answers)) {
    const source = deps.directory.find((each) => each.name === name);
    const answer = source === undefined ? undefined : await askOutright(deps, source, person.ownerId, signal);
    if (answer !== undefined) asked.set(name, answer);
  }
  const answers = person.answers.map((answer) => asked.get(answer.source) ?? answer);
  return {
    finding: combineFindings(answers),
    isProven: answers.some((answer) => answer.finding.state === "active" && answer.isProven),
  };
}
