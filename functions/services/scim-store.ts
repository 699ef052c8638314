import type { ScimPage, ScimQuery } from "../policy/scim-query.ts";
import type { ScimUser } from "../policy/scim-user.ts";

/** A person as an identity provider pushed them. Times in milliseconds since the epoch. */
export interface ScimRecord {
  /** Ours, and the resource's id towards the provider. */
  readonly id: string;
  readonly user: ScimUser;
  /** From 1, and one more with each change. */
  readonly version: number;
  readonly createdAt: number;
  readonly changedAt: number;
}

/** What was pushed over SCIM. Nothing is ever deleted: who was deactivated stays readable. */
export interface ScimStore {
  /** "taken" when another record has the user name, without regard to case. */
  add(record: ScimRecord): Promise<"added" | "taken">;
  find(id: string): Promise<ScimRecord | undefined>;
  /**
   * Puts the record in place of the one with the version before it. "stale" when that is no longer the one there: a
   * deactivation must not be lost to a change that was read before it.
   */
  save(record: ScimRecord): Promise<"saved" | "taken" | "stale">;
  /** Oldest first; `total` is of all pages. */
  list(query: ScimQuery, page: ScimPage): Promise<{ readonly total: number; readonly records: readonly ScimRecord[] }>;
  /** Every record with one of these ids, external ids, or addresses as its user name or among its e-mails. */
  match(wanted: ScimWanted): Promise<readonly ScimRecord[]>;
}

export interface ScimWanted {
  readonly ids: readonly string[];
  readonly externalIds: readonly string[];
  /** In lower case. */
  readonly addresses: readonly string[];
}
