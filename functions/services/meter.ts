/** What a request has spent waiting for others. Times in milliseconds; calls at once are added up. */
export interface Figures {
  databaseMs: number;
  upstreamMs: number;
  upstreamCalls: number;
}

/** How a request was answered: the route's pattern, not its path. */
export interface Answered {
  readonly route: string;
  readonly status: number;
}

/** A call to OpenRouter, by the pattern of its path. */
export interface UpstreamCall {
  readonly method: string;
  readonly pattern: string;
}

/** Adds up, for the request that is being answered, what its calls to the database and to OpenRouter take. */
export interface Meter {
  readonly inRequest: (method: string, work: (figures: Figures) => Promise<Answered>) => Promise<void>;
  /** Work that no request waits for. */
  readonly inJob: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** `verb` is the store's and its own, such as `keys.reserve`. */
  readonly database: <T>(verb: string, work: () => Promise<T>) => Promise<T>;
  readonly upstream: <T extends { readonly status: number }>(
    call: () => UpstreamCall,
    work: () => Promise<T>,
  ) => Promise<T>;
}

export type Work =
  | { readonly kind: "request"; readonly method: string }
  | { readonly kind: "job"; readonly name: string }
  | { readonly kind: "database"; readonly verb: string }
  | ({ readonly kind: "upstream" } & UpstreamCall);

/** How a piece of work ended. `status` is what it was answered with, if it was. */
export interface Outcome {
  readonly milliseconds: number;
  readonly isFailure: boolean;
  readonly status?: number | undefined;
  readonly route?: string | undefined;
}

/** A piece of work under way. */
export interface Running {
  /** Begins a part of it. */
  readonly begin: (work: Work) => Running;
  readonly end: (outcome: Outcome) => void;
}

/**
 * Tells a collector what is measured. It is given names, patterns, statuses and times, and nothing else: no path, query,
 * header, body, error text or person can get into it. Nothing here ever throws or makes anybody wait.
 */
export interface Telemetry {
  readonly begin: (work: Work) => Running;
  /** A key was confirmed. */
  readonly keyMade: (how: "create" | "rotate") => void;
}
