/** A job that one process does at a time. `fence` rises with each holder: whoever carries an older one has lost it. */
export interface Lease {
  readonly name: string;
  readonly fence: number;
}

/** Leases in the database, so that they hold over all processes; a dead holder's runs out by itself. */
export interface LeaseStore {
  /** Undefined while somebody else holds it. */
  acquire(name: string, now: number, until: number): Promise<Lease | undefined>;
  /** Holds it for longer; false when it has been lost. */
  extend(lease: Lease, until: number): Promise<boolean>;
  /** Ends the lease, and keeps when the job was last done, if it was. False when it had been lost meanwhile. */
  release(lease: Lease, done: JobDone | undefined): Promise<boolean>;
  /** When the job was last done; undefined when never. */
  lastDone(name: string): Promise<JobDone | undefined>;
}

export interface JobDone {
  readonly at: number;
  /** False when part of it could not be done. */
  readonly complete: boolean;
}
