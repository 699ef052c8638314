/** What was found out about one setting or one neighbour. No value of a secret is in any of its sentences. */
export interface Check {
  readonly about: string;
  /** A hint is something to know or to decide; a fault keeps people from working. */
  readonly state: "good" | "hint" | "fault";
  /** A sentence. */
  readonly found: string;
  /** The sentence that mends it. */
  readonly mend?: string;
}

export function good(about: string, found: string): Check {
  return { about, state: "good", found };
}

export function hint(about: string, found: string, mend: string): Check {
  return { about, state: "hint", found, mend };
}

export function fault(about: string, found: string, mend: string): Check {
  return { about, state: "fault", found, mend };
}
