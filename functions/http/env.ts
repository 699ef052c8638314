import type { ProblemCode } from "../contract/problem.ts";
import type { Owner } from "../services/account-store.ts";
import type { ServiceError } from "../services/errors.ts";
import type { CurrentSession } from "../services/sessions.ts";

/** What handlers find on a request. */
export interface HttpEnv {
  Variables: {
    requestId: string;
    /** Who is asking, as the host sees it; for counting, never for the log. */
    address: string;
    /** Set behind `requireSession`. */
    owner: Owner;
    session: CurrentSession;
    /** The problem that was answered, for the log. */
    code: ProblemCode | undefined;
    /** A refusal that was told on a page instead of being thrown. */
    refusal: ServiceError | undefined;
  };
}

/** One line for each request; no address, header, body or person in it. */
export interface RequestRecord {
  readonly requestId: string;
  readonly method: string;
  /** The route's pattern, not its path: ids stay out. */
  readonly route: string;
  readonly status: number;
  readonly milliseconds: number;
  /** Waiting for the database and for OpenRouter; calls at once are added up. */
  readonly databaseMs: number;
  readonly upstreamMs: number;
  readonly upstreamCalls: number;
  readonly code?: ProblemCode;
  /** For status 500 and above, and for answers of the sign-in service that failed a check: the causes by name and message. */
  readonly cause?: string;
}
