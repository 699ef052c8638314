import * as z from "zod/mini";

const moment = z.enum(["before", "after"]);

/**
 * What a rule does to a request. "before" and "after" say whether the stand-in has committed the call by then: a key
 * created "after" exists though its maker never hears of it.
 */
export const FaultSchema = z.discriminatedUnion("kind", [
  /** Waits, then goes on as usual. Other requests are not held up. */
  z.strictObject({
    kind: z.literal("latency"),
    ms: z.number().check(z.minimum(0)),
    when: z._default(moment, "before"),
  }),
  /** Breaks the connection without an answer. */
  z.strictObject({ kind: z.literal("drop"), when: moment }),
  /** Never answers. */
  z.strictObject({ kind: z.literal("hang"), when: moment }),
  /** Answers an error of the server, JSON body. */
  z.strictObject({ kind: z.literal("status"), status: z.int().check(z.gte(500), z.lte(599)), when: moment }),
  /** Answers 429, with `Retry-After` as given: seconds or an HTTP date. */
  z.strictObject({
    kind: z.literal("rate-limit"),
    retryAfter: z.optional(z.union([z.int().check(z.minimum(0)), z.string()])),
  }),
  /** Answers a web page, as a proxy in between does. */
  z.strictObject({
    kind: z.literal("html"),
    status: z.union([z.literal(200), z.literal(403)]),
    when: z._default(moment, "before"),
  }),
  /** Commits, then sends half of the JSON: as if it were whole, or with the connection broken in the middle. */
  z.strictObject({ kind: z.literal("truncated"), end: z._default(z.enum(["clean", "broken"]), "clean") }),
  /** Answers a redirect, 3xx. */
  z.strictObject({
    kind: z.literal("redirect"),
    status: z.union([z.literal(301), z.literal(302), z.literal(303), z.literal(307), z.literal(308)]),
    location: z.string().check(z.minLength(1)),
  }),
  /** Commits, then answers JSON of a shape nobody expects. */
  z.strictObject({ kind: z.literal("odd-json"), body: z._default(z.json(), { unexpected: [] }) }),
]);
export type Fault = z.infer<typeof FaultSchema>;

export const FaultRuleSchema = z.strictObject({
  /** Absent: every method. */
  method: z.optional(z.enum(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"])),
  /** Below /api/v1, such as `/keys/*`: `*` is one segment, `**` any number of them. */
  path: z.string().check(z.startsWith("/")),
  /** How many matching requests pass first. */
  skip: z._default(z.int().check(z.minimum(0)), 0),
  /** How often it fires; absent: always. */
  times: z.optional(z.int().check(z.minimum(1))),
  fault: FaultSchema,
});
/** A rule as it is written down. */
export type FaultRule = z.input<typeof FaultRuleSchema>;

/** A rule in force, and how often it has fired. */
export type RuleInForce = z.infer<typeof FaultRuleSchema> & { readonly fired: number };

/** The rules in force. Of those that match, every latency applies, and the first of the others. */
export interface FaultRules {
  /** Throws on a rule that is not one. */
  readonly add: (rule: FaultRule) => void;
  readonly clear: () => void;
  readonly list: () => readonly RuleInForce[];
  /** The faults that this request meets; counts them as fired. */
  readonly meet: (method: string, path: string) => readonly Fault[];
}

export function createFaultRules(): FaultRules {
  let rules: { readonly rule: z.infer<typeof FaultRuleSchema>; matched: number; fired: number }[] = [];
  return {
    add(rule) {
      rules.push({ rule: FaultRuleSchema.parse(rule), matched: 0, fired: 0 });
    },
    clear() {
      rules = [];
    },
    list: () => rules.map(({ rule, fired }) => ({ ...rule, fired })),
    meet(method, path) {
      const met: Fault[] = [];
      let isEnded = false;
      for (const entry of rules) {
        const { rule } = entry;
        const isLatency = rule.fault.kind === "latency";
        const isSpent = rule.times !== undefined && entry.fired >= rule.times;
        if (isSpent || (isEnded && !isLatency) || !matches(rule, method, path)) continue;
        entry.matched += 1;
        if (entry.matched <= rule.skip) continue;
        entry.fired += 1;
        met.push(rule.fault);
        if (!isLatency) isEnded = true;
      }
      return met;
    },
  };
}

function matches(rule: z.infer<typeof FaultRuleSchema>, method: string, path: string): boolean {
  if (rule.method !== undefined && rule.method !== method) return false;
  return segmentsMatch(rule.path.split("/"), path.replace(/^\/api\/v1/, "").split("/"));
}

function segmentsMatch(pattern: readonly string[], path: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return path.length === 0;
  if (head === "**") return path.some((_, i) => segmentsMatch(rest, path.slice(i))) || segmentsMatch(rest, []);
  return path.length > 0 && (head === "*" || head === path[0]) && segmentsMatch(rest, path.slice(1));
}
