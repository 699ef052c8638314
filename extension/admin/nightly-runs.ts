import { paths } from "../../functions/contract/paths.ts";
import { NightlyRun, NightlyRunsAnswer } from "../../functions/contract/runs.ts";
import type { Access } from "../account/access-token.ts";
import type { OwnClientDeps } from "../account/own-client.ts";
import { createOwnClient } from "../account/own-client.ts";

/** The administrators' half of the nightly trigger. Every method throws FunctionError. */
export interface NightlyRuns {
  /** Newest first, with what needs an administrator beside them. */
  list(access: Access, page: { readonly cursor?: string; readonly limit: number }): Promise<NightlyRunsAnswer>;
  /** A yes to exactly the list that the hash names. May be repeated. */
  approve(access: Access, runId: string, candidatesHash: string): Promise<NightlyRun>;
}

export function createNightlyRuns(deps: OwnClientDeps): NightlyRuns {
  const own = createOwnClient(deps);
  return {
    list: (access, { cursor, limit }) => {
      const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
      return own.ask(access, { method: "GET", path: `${paths.adminRuns}?${query.toString()}` }, NightlyRunsAnswer);
    },
    approve: (access, runId, candidatesHash) => {
      const body = JSON.stringify({ candidatesHash });
      return own.ask(access, { method: "POST", path: paths.adminRunApprove(runId), body }, NightlyRun);
    },
  };
}
