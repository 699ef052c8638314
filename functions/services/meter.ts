/** What a request has spent waiting for others. Times in milliseconds; calls at once are added up. */
export interface Figures {
  databaseMs: number;
  upstreamMs: number;
  upstreamCalls: number;
}

/** Adds up, for the request that is being answered, what its calls to the database and to OpenRouter take. */
export interface Meter {
  readonly inRequest: <T>(work: (figures: Figures) => Promise<T>) => Promise<T>;
  readonly database: <T>(work: () => Promise<T>) => Promise<T>;
  readonly upstream: <T>(work: () => Promise<T>) => Promise<T>;
}
