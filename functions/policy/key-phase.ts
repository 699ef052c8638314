/**
 * The life of a key's row, as one table. A phase is written in the same transaction as whatever else its transition
 * changes; OpenRouter is asked before or after, never inside. Killed before the transaction, a row stands where it
 * stood and the transition is done again by a retry or the sweep; killed after it, nothing is left to do but what
 * `rest` says, and the sweep does that too.
 */
export const phases = [
  /** Counted against the plan; a key may or may not be upstream under this row's mark. */
  "reserved",
  /** Upstream, and the owner's. */
  "live",
  /** Upstream, but replaced: it ends at `retireAt`. */
  "retiring",
  /** Given up before it became a key. */
  "released",
  "deleted",
  /** Its grace after a rotation has passed. */
  "retired",
  /** It ran out, and was cleared away upstream. */
  "expired",
  /** OpenRouter no longer had it. */
  "gone",
  /** Its owner has left; OpenRouter may not have been told yet. */
  "revoking",
  /** Its owner has left; it is disabled upstream, which was read back. */
  "revoked",
  /** Revoked, and deleted upstream after the time for which it was kept. */
  "erased",
] as const;
export type Phase = (typeof phases)[number];

interface Transition {
  /** Empty: the row is new. */
  readonly from: readonly Phase[];
  /** "same": the phase stays. */
  readonly to: Phase | "same";
  /** What has happened at OpenRouter when it is written. */
  readonly after: string;
  /** What is still to be done when it is written, and who makes sure of it. */
  readonly rest: string;
}

/** Phases in which a key exists upstream and can spend. */
export const livePhases = ["live", "retiring"] as const satisfies readonly Phase[];

/** Phases in which a key exists upstream, whether it can spend or was disabled for good. */
export const upstreamPhases = [...livePhases, "revoking", "revoked"] as const satisfies readonly Phase[];

/** Phases that an owner and the administrators see; the others are only in the record. */
export const shownPhases = [
  ...livePhases,
  "expired",
  "gone",
  "revoking",
  "revoked",
] as const satisfies readonly Phase[];

export const transitions = {
  reserve: { from: [], to: "reserved", after: "nothing", rest: "one POST; a retry or the sweep clears what it left" },
  takeOver: { from: ["reserved"], to: "same", after: "perhaps a key of an earlier attempt", rest: "as after reserve" },
  confirm: { from: ["reserved"], to: "live", after: "the key exists, governed", rest: "nothing" },
  release: { from: ["reserved"], to: "released", after: "no key of this row exists", rest: "nothing" },
  replace: { from: ["live"], to: "retiring", after: "its successor exists", rest: "retire, by the sweep" },
  change: { from: livePhases, to: "same", after: "the change is made", rest: "nothing" },
  raiseLimit: { from: livePhases, to: "same", after: "nothing", rest: "one PATCH, by the sweep" },
  lowerLimit: { from: livePhases, to: "same", after: "the limit is lowered", rest: "nothing" },
  delete: {
    from: [...upstreamPhases, "expired", "gone"],
    to: "deleted",
    after: "the key is deleted",
    rest: "nothing",
  },
  retire: { from: ["retiring"], to: "retired", after: "the key is deleted", rest: "nothing" },
  expire: { from: livePhases, to: "expired", after: "the key is deleted", rest: "nothing" },
  revoke: { from: livePhases, to: "revoking", after: "nothing", rest: "disable it and read it back, by the clock" },
  confirmRevoked: { from: ["revoking"], to: "revoked", after: "the key is seen disabled", rest: "nothing" },
  erase: { from: ["revoked"], to: "erased", after: "the key is deleted", rest: "nothing" },
  vanish: {
    from: upstreamPhases,
    to: "gone",
    after: "OpenRouter said that it has no such key",
    rest: "nothing",
  },
} as const satisfies Readonly<Record<string, Transition>>;

/** The transitions that end a key which was upstream. */
export type Ending = "delete" | "retire" | "expire" | "vanish" | "erase";
