import { paths } from "../../functions/contract/paths.ts";
import { NightlyRun, NightlyRunsAnswer } from "../../functions/contract/runs.ts";
import type { Access } from "../account/access-token.ts";
import type { FunctionClient } from "../account/function-client.ts";
import { watchSession } from "../account/own-sign-ins.ts";
import type { SessionStore } from "../account/session.ts";

/** The administrators' half of the nightly trigger. Every method throws FunctionError. */
export interface NightlyRuns {
  /** Newest first, with what needs an administrator beside them. */
  list(access: Access, page: { readonly cursor?: string; readonly limit: number }): Promise<NightlyRunsAnswer>;
  /** A yes to exactly the list that the hash names. May be repeated. */
  approve(access: Access, runId: string, candidatesHash: string): Promise<NightlyRun>;
}

interface NightlyRunsDeps {
  readonly client: Pick<FunctionClient, "ask">;
  readonly sessions: Pick<SessionStore, "expire" | "forget">;
}

export function createNightlyRuns({ client, sessions }: NightlyRunsDeps): NightlyRuns {
  const to = ({ address, token }: Access) => ({ address, token });
  const watched = <T>(access: Access, work: Promise<T>): Promise<T> => watchSession(sessions, access, work);
  return {
    list: (access, { cursor, limit }) => {
      const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
      const path = `${paths.adminRuns}?${query.toString()}`;
      return watched(access, client.ask({ ...to(access), method: "GET", path }, NightlyRunsAnswer));
    },
    approve: (access, runId, candidatesHash) => {
      const body = JSON.stringify({ candidatesHash });
      const path = paths.adminRunApprove(runId);
      return watched(access, client.ask({ ...to(access), method: "POST", path, body }, NightlyRun));
    },
  };
}
