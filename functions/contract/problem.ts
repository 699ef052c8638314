import * as z from "zod/mini";

/** Every code an error answer can carry, with its HTTP status. */
export const problemStatuses = {
  invalid_request: 400,
  unauthorized: 401,
  reauth_required: 401,
  forbidden: 403,
  offboarded: 403,
  not_found: 404,
  conflict: 409,
  identity_conflict: 409,
  revoked: 409,
  too_large: 413,
  idempotency_mismatch: 422,
  above_plan: 422,
  allowance_spent: 422,
  key_cap: 422,
  rate_limited: 429,
  internal: 500,
  upstream_refused: 502,
  upstream_busy: 503,
  upstream_unavailable: 503,
  database_unavailable: 503,
  directory_unknown: 503,
} as const;

export type ProblemCode = keyof typeof problemStatuses;

/** `application/problem+json` (RFC 9457). `retryAfter` is in whole seconds. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly requestId: string;
  readonly retryAfter?: number;
}

/** How a client reads a problem: a code it does not know stays a string, so that a newer function is understood. */
export const ProblemAnswer = z.object({
  status: z.number(),
  code: z.string(),
  detail: z.string(),
  requestId: z.optional(z.string()),
  retryAfter: z.optional(z.number()),
});
export type ProblemAnswer = z.infer<typeof ProblemAnswer>;
