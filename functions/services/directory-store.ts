import type { DirectoryAnswer, DirectoryPerson } from "./directory.ts";
import type { Finding } from "../policy/evidence.ts";

/** Where a page of people to ask ends. */
export interface AskedPlace {
  readonly checkedAt: number;
  readonly ownerId: string;
}

/** What one source last answered about a person. Times in milliseconds since the epoch. */
export interface KnownAnswer {
  readonly source: string;
  readonly finding: Finding;
  readonly checkedAt: number;
  /** When it was last asked outright and said active. */
  readonly activeAt: number | undefined;
}

/** Who is under the directory's eye, and what each of its sources last said. Times in milliseconds since the epoch. */
export interface DirectoryStore {
  /** Makes everybody with a live key or a session somebody to ask this source about. */
  enlist(source: string): Promise<void>;
  /** A page of them whom this source has not been asked about since `before`, least recently asked first. */
  peopleToAsk(
    source: string,
    before: number,
    after: AskedPlace | undefined,
    limit: number,
  ): Promise<readonly (DirectoryPerson & AskedPlace)[]>;
  /** One person as this source knows them; undefined when there is no such owner. */
  personToAsk(source: string, ownerId: string): Promise<DirectoryPerson | undefined>;
  saveAnswers(source: string, answers: readonly DirectoryAnswer[], at: number): Promise<void>;
  /** What is known about one person. */
  answersAbout(ownerId: string): Promise<readonly KnownAnswer[]>;
  memory(source: string): Promise<string | undefined>;
  saveMemory(source: string, memory: string | undefined): Promise<void>;
}
