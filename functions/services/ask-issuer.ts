import type { ProblemCode } from "../contract/problem.ts";
import { ServiceError } from "./errors.ts";
import { IssuerError } from "./identity-issuer.ts";

/** Does something with the sign-in service, and tells people what went wrong without a word of the service's own. */
export async function askIssuer<T>(work: () => Promise<T>, refusedAs: ProblemCode = "forbidden"): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IssuerError)) throw error;
    switch (error.kind) {
      case "cancelled":
        throw new ServiceError(refusedAs, "The sign-in was cancelled. Start again from your editor.", {
          cause: error,
        });
      case "refused":
        throw new ServiceError(
          refusedAs,
          error.hint ??
            "The sign-in service's answer did not pass the checks. Start again; if it happens twice, tell an administrator.",
          { cause: error },
        );
      case "unavailable":
        throw new ServiceError(
          "upstream_unavailable",
          "The sign-in service cannot be reached right now. Try again in a moment.",
          { cause: error, retryAfter: 10 },
        );
    }
  }
}
