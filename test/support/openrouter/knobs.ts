import * as z from "zod/mini";

const usd = z.number().check(z.minimum(0));
const milliseconds = z.number().check(z.minimum(0));

/** Standing switches of the stand-in. Delays count on its clock. */
export const KnobsSchema = z.strictObject({
  /** Usage figures leave out spend younger than this; limits themselves bite at once. */
  usageLagMs: milliseconds,
  /** A disabled or deleted key goes on working for this long. */
  disableLagMs: milliseconds,
  /** Keys per list page. */
  pageSize: z.int().check(z.minimum(1)),
  /** Leaves `external_user` out, as servers before that field did. */
  omitExternalUser: z.boolean(),
  /** Adds a field nobody knows to every JSON object. */
  addUnknownFields: z.boolean(),
  /** Characters of the key that its label ends in. */
  labelTail: z.union([z.literal(3), z.literal(4)]),
  /** Management calls in any second (of real time) before 429; null: as many as you like. */
  callsPerSecond: z.nullable(z.int().check(z.minimum(1))),
  /** Whether such a 429 says when to come back. */
  saysRetryAfter: z.boolean(),
  /** The account's credits, US dollars; inference answers 402 once all keys have spent them. */
  accountCreditsUsd: usd,
  /** What one inference call costs. */
  priceUsd: usd,
  /** Price per call of single models, by model id. */
  pricesByModel: z.record(z.string(), usd),
  /** What a token of `max_tokens` is reckoned at when a call is checked against what is left. */
  outputTokenUsd: usd,
  /** What every model says. */
  answerText: z.string(),
  /** The tool that a chat's model calls, where it is offered one of that name and has no result yet; `json`: its input. */
  toolCall: z.nullable(z.strictObject({ name: z.string(), json: z.string() })),
  /** Between the pieces of a stream, in real time. */
  pieceDelayMs: milliseconds,
});
export type Knobs = z.infer<typeof KnobsSchema>;

export const KnobChangesSchema = z.partial(KnobsSchema);
/** Some of the knobs; the others stay. */
export type KnobChanges = z.infer<typeof KnobChangesSchema>;

export const defaultKnobs: Knobs = {
  usageLagMs: 0,
  disableLagMs: 0,
  pageSize: 100,
  omitExternalUser: false,
  addUnknownFields: false,
  labelTail: 4,
  callsPerSecond: null,
  saysRetryAfter: true,
  accountCreditsUsd: 10_000,
  priceUsd: 0.25,
  pricesByModel: {},
  outputTokenUsd: 0.000_005,
  answerText: "pong",
  toolCall: null,
  pieceDelayMs: 0,
};

/** The knobs in force, and the way to turn them. */
export interface KnobBoard {
  readonly read: () => Knobs;
  /** Throws on a value out of range or an unknown name. */
  readonly turn: (changes: KnobChanges) => void;
  readonly reset: () => void;
}

export function createKnobBoard(start: KnobChanges): KnobBoard {
  const atStart = KnobsSchema.parse({ ...defaultKnobs, ...start });
  let inForce = atStart;
  return {
    read: () => inForce,
    turn(changes) {
      inForce = KnobsSchema.parse({ ...inForce, ...KnobChangesSchema.parse(changes) });
    },
    reset() {
      inForce = atStart;
    },
  };
}
