import type { ProblemCode } from "../../functions/contract/problem.ts";
import { UserError } from "../base/errors.ts";

/** Why there was no usable answer, where the function itself did not say. */
export type NoAnswer = "unreachable" | "too_slow" | "web_page" | "not_json" | "not_the_function" | "gateway";

/** A code that a newer function knows and this extension does not. */
export type UnknownCode = "unknown_code";

interface FunctionFailure {
  readonly code: ProblemCode | NoAnswer | UnknownCode;
  readonly status?: number | undefined;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** The function refused, or did not answer. The message is a sentence for the person. */
export class FunctionError extends UserError {
  override readonly name: string = "FunctionError";
  readonly code: FunctionFailure["code"];
  readonly status: number | undefined;
  readonly retryAfter: number | undefined;
  readonly requestId: string | undefined;

  constructor(message: string, failure: FunctionFailure) {
    super(message, failure.cause === undefined ? {} : { cause: failure.cause });
    this.code = failure.code;
    this.status = failure.status;
    this.retryAfter = failure.retryAfter;
    this.requestId = failure.requestId;
  }
}

/**
 * True when the function may have done what it was asked all the same, or may still be doing it: nothing may be
 * concluded, and only a repeat with the same Idempotency-Key tells.
 */
export function leavesOutcomeOpen(error: FunctionError): boolean {
  switch (error.code) {
    case "unreachable":
    case "too_slow":
    case "gateway":
    case "internal":
    case "upstream_busy":
    case "upstream_unavailable":
    case "database_unavailable":
    case "directory_unknown":
      return true;
    case "conflict":
      // With a time to wait: the first of two is still being done. Without: it cannot be done at all.
      return error.retryAfter !== undefined;
    case "unknown_code":
    case "web_page":
    case "not_json":
    case "not_the_function":
      return error.status === undefined || error.status < 400 || error.status >= 500;
    case "invalid_request":
    case "unauthorized":
    case "reauth_required":
    case "forbidden":
    case "offboarded":
    case "not_found":
    case "identity_conflict":
    case "revoked":
    case "too_large":
    case "idempotency_mismatch":
    case "above_plan":
    case "allowance_spent":
    case "key_cap":
    case "rate_limited":
    case "upstream_refused":
      return false;
  }
}
