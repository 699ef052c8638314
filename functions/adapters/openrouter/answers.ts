import * as z from "zod/mini";

/**
 * What is read of OpenRouter's answers, and no more: fields are added there weekly, and a strict reading of the one
 * answer that cannot be asked for twice would throw a secret away. Source: OpenRouter's OpenAPI, keys operations.
 */

/** A field that is missing or odd reads as the fallback. (`z.catch` does the same and adds 11 KB to the bundle.) */
function or<T>(schema: z.ZodMiniType<T>, fallback: T) {
  return z.pipe(
    z.unknown(),
    z.transform((value: unknown) => {
      const parsed = schema.safeParse(value);
      return parsed.success ? parsed.data : fallback;
    }),
  );
}

const money = or(z.number(), 0);

export const UpstreamKeyData = z.object({
  hash: z.string().check(z.minLength(1)),
  name: or(z.string(), ""),
  label: or(z.string(), ""),
  disabled: or(z.boolean(), false),
  limit: or(z.nullable(z.number()), null),
  limit_remaining: or(z.nullable(z.number()), null),
  usage_daily: money,
  usage_weekly: money,
  usage_monthly: money,
  created_at: or(z.optional(z.string()), undefined),
});
export type UpstreamKeyData = z.infer<typeof UpstreamKeyData>;

export const KeyAnswer = z.object({ data: UpstreamKeyData });

/** The list skips entries that make no sense instead of failing whole. */
export const KeysAnswer = z.object({ data: z.array(z.unknown()) });

/** Only the secret is required: its SHA-256 is the key's hash, so odd metadata loses nothing. */
export const CreatedAnswer = z.object({
  key: z.string().check(z.minLength(1)),
  data: or(z.optional(UpstreamKeyData), undefined),
});

export const AssignedAnswer = z.object({ assigned_count: z.number() });
