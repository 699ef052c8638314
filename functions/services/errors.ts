import type { ProblemCode } from "../contract/problem.ts";

/**
 * A refusal or a failure that a caller is told about. `detail` is a sentence for a person: what happened and what to
 * do next; it never carries text of another service, SQL or a secret.
 */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  readonly code: ProblemCode;
  /** Whole seconds after which the same request may succeed. */
  readonly retryAfter: number | undefined;

  constructor(code: ProblemCode, detail: string, options: { retryAfter?: number; cause?: unknown } = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
  }
}
