import type { Finding } from "../policy/evidence.ts";

/**
 * Who still works here, as one source says: a company directory that is asked, or what a provider pushed over SCIM.
 *
 * What an answer may be used for is in it, because two ways of knowing differ:
 *
 * - Asked by immutable id (`isProven`). The directory spoke about exactly this account, now. This is the only ground
 *   on which anything is granted, and the only one on which anybody is taken for a leaver.
 * - Read off a list or a list of changes (not `isProven`, always "active"). Google's lists lag by up to 36 hours and
 *   Graph's changes may be late or repeated, so a row that says active is no proof of it. What it does carry: "no reason
 *   to ask about this person in this round". A nightly run may leave such a person alone, count them as active and end
 *   their time as unknown; it must not renew what grants rest on, nor take back a strike. A row that says anything else,
 *   and a missing row, prove nothing either: they only make the person somebody to ask about. The price is that a
 *   departure which the list does not show yet is found a round later, and it is paid only by companies too large to
 *   ask about everybody (`askAllUpTo` in the adapters); grants and sign-ins always ask.
 *
 * No method throws for what a directory does: whatever fails is an "unknown" with its reason. None logs anything, and
 * no reason carries a secret or an upstream body.
 */
export interface DirectorySource {
  /** As people know it: "Google", "Microsoft Entra", "SCIM". */
  readonly name: string;

  /** One person, by asking: what a sign-in or a grant rests on. An absence is unknown here, for want of a canary. */
  ask(person: DirectoryPerson, signal: AbortSignal): Promise<DirectoryAnswer>;

  /**
   * One round about everybody in `people`, which is read page by page as answers are taken, so that memory does not grow
   * with their number. `memory` is what an earlier round ended with, or undefined.
   *
   * A directory that is asked begins with one `canary`; then come `answers` until each person has exactly one, then
   * `end`. When the signal aborts, the round stops without `end`: those without an answer have not been asked, and the
   * old memory stays in force.
   */
  check(
    people: AsyncIterable<readonly DirectoryPerson[]>,
    memory: string | undefined,
    signal: AbortSignal,
  ): AsyncIterable<DirectoryEvent>;
}

export interface DirectoryPerson {
  /** Ours; comes back with the answer. */
  readonly personId: string;
  /**
   * The immutable id in this directory, which is not that of another: a sign-in's subject is one only where the issuer
   * and the directory belong together (Google's `sub`; Entra's `oid`, not its `sub`). Undefined while it is not known.
   */
  readonly subject: string | undefined;
  /**
   * Whether this source has ever said "active" about this id. A directory that never knew an id proves nothing by not
   * finding it: it may be the id of another one.
   */
  readonly wasSeen: boolean;
  /** Normalised. */
  readonly email: string;
  /**
   * Whether the last answer of this source, from a round that reached its `end` or from `ask`, was "active". A list of
   * changes says nothing about those who did not change, and that is worth something only for them.
   */
  readonly wasActive: boolean;
}

export interface DirectoryAnswer {
  readonly personId: string;
  readonly finding: Finding;
  /** See above. Only a proven "active" is ground for a grant. */
  readonly isProven: boolean;
  /** The id to ask for from now on, when the person was found by address: keep it, and mark it as weakly founded. */
  readonly subject?: string;
}

export type DirectoryEvent =
  | {
      /** The person known to be active: `finding` is undefined when none is set. Alert unless it is active. */
      readonly kind: "canary";
      readonly finding: Finding | undefined;
    }
  | { readonly kind: "answers"; readonly answers: readonly DirectoryAnswer[] }
  | {
      readonly kind: "end";
      /** For the next round. Store it after all answers before it, never earlier: changes are told only once. */
      readonly memory: string | undefined;
    };
