/** An issuer's public document (its description, its keys) and when it was fetched, ms since the epoch. */
export interface CachedDocument {
  readonly body: string;
  readonly fetchedAt: number;
}

/** Documents kept for every process of the function, so that a new one does not depend on the issuer being up. */
export interface DocumentCache {
  read(url: string): Promise<CachedDocument | undefined>;
  /** The later of two writes at once stays. */
  write(url: string, document: CachedDocument): Promise<void>;
}
