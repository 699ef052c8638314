import type { KeyRow } from "./key-store.ts";

/** A live or revoked key's place at OpenRouter. */
export interface UpstreamPlace {
  readonly keyId: string;
  readonly upstreamHash: string;
}

/** What is compared with OpenRouter's own list. */
export interface DriftStore {
  /** The rows with these ids, whatever their phase. */
  rowsOf(keyIds: readonly string[]): Promise<readonly KeyRow[]>;
  /** Every workspace that keys were ever made in; undefined for the default one. How many are live there. */
  workspaces(): Promise<readonly { readonly workspaceId: string | undefined; readonly keys: number }[]>;
  /** Keys that should exist upstream and did before `before`, by id. */
  places(before: number, after: string | undefined, limit: number): Promise<readonly UpstreamPlace[]>;
}
