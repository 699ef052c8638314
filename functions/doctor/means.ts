import type { Fetch } from "../adapters/openrouter/provisioner.ts";

/** What a host brings for asking neighbours. */
export interface DoctorMeans {
  readonly fetch: Fetch;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly clock: () => number;
}
