import type { Finding } from "../../../../functions/policy/evidence.ts";
import type { DirectoryPerson, DirectorySource } from "../../../../functions/services/directory.ts";

/** A person who holds a key; the id in the directory is the number in the name. */
export function person(number: number, changes: Partial<DirectoryPerson> = {}): DirectoryPerson {
  return {
    personId: `person-${number}`,
    subject: idOf(number),
    email: `p${number}@example.com`,
    wasSeen: true,
    wasActive: false,
    ...changes,
  };
}

export function idOf(number: number): string {
  return String(1_000_000 + number);
}

export async function* pagesOf(people: readonly DirectoryPerson[], size = 300) {
  for (let from = 0; from < people.length; from += size) yield people.slice(from, from + size);
}

export interface Round {
  /** undefined: the round was cut off before it said. */
  readonly canary: Finding["state"] | "none" | undefined;
  /** By person; an unproven "active" is "listed". */
  readonly states: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
  /** Each reason or piece of evidence once. */
  readonly sentences: readonly string[];
  readonly subjects: Readonly<Record<string, string>>;
  readonly ended: boolean;
  readonly memory: string | undefined;
}

export async function runOnce(
  source: DirectorySource,
  people: AsyncIterable<readonly DirectoryPerson[]>,
  memory?: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Round> {
  let canary: Round["canary"];
  const states: Record<string, string> = {};
  const counts: Record<string, number> = {};
  const subjects: Record<string, string> = {};
  const sentences = new Set<string>();
  for await (const event of source.check(people, memory, signal)) {
    if (event.kind === "canary") canary = event.finding?.state ?? "none";
    if (event.kind === "end") {
      return { canary, states, counts, sentences: [...sentences], subjects, ended: true, memory: event.memory };
    }
    if (event.kind !== "answers") continue;
    for (const { personId, finding, isProven, subject } of event.answers) {
      if (states[personId] !== undefined) throw new Error(`${personId} was answered twice`);
      const state = nameOf(finding, isProven);
      states[personId] = state;
      counts[state] = (counts[state] ?? 0) + 1;
      if (subject !== undefined) subjects[personId] = subject;
      if (finding.state === "inactive") sentences.add(finding.evidence);
      if (finding.state === "unknown") sentences.add(finding.reason);
    }
  }
  return { canary, states, counts, sentences: [...sentences], subjects, ended: false, memory: undefined };
}

function nameOf(finding: Finding, isProven: boolean): string {
  if (finding.state === "active") return isProven ? "active" : "listed";
  if (finding.state === "inactive") return finding.isAbsence ? "absent" : "inactive";
  return "unknown";
}
