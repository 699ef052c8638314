import type { Context } from "hono";

import { problemStatuses } from "../contract/problem.ts";
import type { Problem, ProblemCode } from "../contract/problem.ts";
import { ServiceError } from "../services/errors.ts";
import type { HttpEnv } from "./env.ts";

/** The only place that turns an error into a status and a body. */
const titles: Readonly<Record<ProblemCode, string>> = {
  invalid_request: "The request is not valid",
  unauthorized: "Not signed in",
  reauth_required: "Sign in again",
  forbidden: "Not allowed",
  offboarded: "Access has ended",
  not_found: "Not found",
  conflict: "Conflict",
  identity_conflict: "Two accounts with one e-mail",
  revoked: "The key was revoked",
  too_large: "The request is too large",
  idempotency_mismatch: "Idempotency key used for another request",
  above_plan: "Above the plan",
  allowance_spent: "Allowance given out",
  key_cap: "Too many keys",
  rate_limited: "Too many requests",
  internal: "Something went wrong",
  upstream_refused: "OpenRouter refused",
  upstream_busy: "OpenRouter is busy",
  upstream_unavailable: "A service cannot be reached",
  database_unavailable: "The database cannot be reached",
  directory_unknown: "The directory cannot be asked",
};

/** What a caller is told of any error: a ServiceError as it is, everything else without a word of its text. */
export function asServiceError(error: unknown, isDatabaseAway: (error: unknown) => boolean): ServiceError {
  if (error instanceof ServiceError) return error;
  if (isDatabaseAway(error)) {
    return new ServiceError(
      "database_unavailable",
      "The database cannot be reached right now. Nothing was lost; try again.",
      {
        cause: error,
        retryAfter: 5,
      },
    );
  }
  return new ServiceError(
    "internal",
    "Something went wrong on our side. An administrator finds the cause by the request id.",
    {
      cause: error,
    },
  );
}

export function problemAnswer(context: Context<HttpEnv>, error: ServiceError): Response {
  const status = problemStatuses[error.code];
  const problem: Problem = {
    type: `urn:openrouter-keys:problem:${error.code}`,
    title: titles[error.code],
    status,
    code: error.code,
    detail: error.message,
    requestId: context.get("requestId"),
    ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
  };
  context.set("code", error.code);
  context.header("Content-Type", "application/problem+json; charset=utf-8");
  if (error.retryAfter !== undefined) context.header("Retry-After", String(error.retryAfter));
  if (status === 401) context.header("WWW-Authenticate", "Bearer");
  return context.body(JSON.stringify(problem), status);
}
