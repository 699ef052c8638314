import { AdminRaise, AdminRaisesAnswer } from "../../functions/contract/admin.ts";
import { type IdentityConflict, IdentitiesAnswer } from "../../functions/contract/identities.ts";
import { paths } from "../../functions/contract/paths.ts";
import type { DecideRaiseRequest, IdentityDecision } from "../../functions/contract/requests.ts";
import type { Access } from "../account/access-token.ts";
import type { OwnClientDeps } from "../account/own-client.ts";
import { createOwnClient } from "../account/own-client.ts";

/** What waits for an administrator's word. Every method throws FunctionError. */
export interface Decisions {
  /** Newest first; more than these wait where there are very many. */
  waiting(access: Access): Promise<{
    readonly raises: readonly AdminRaise[];
    readonly conflicts: readonly IdentityConflict[];
  }>;
  /** The same decision again answers the same. */
  decideRaise(access: Access, raiseId: string, request: DecideRaiseRequest): Promise<AdminRaise>;
  decideConflict(access: Access, conflictId: string, decision: IdentityDecision["decision"]): Promise<void>;
}

export function createDecisions(deps: OwnClientDeps): Decisions {
  const own = createOwnClient(deps);
  return {
    waiting: async (access) => {
      const [{ raises }, { identities }] = await Promise.all([
        own.ask(access, { method: "GET", path: `${paths.adminRaises}?state=waiting&limit=200` }, AdminRaisesAnswer),
        own.ask(access, { method: "GET", path: paths.adminIdentities }, IdentitiesAnswer),
      ]);
      return { raises, conflicts: identities };
    },
    decideRaise: (access, raiseId, request) => {
      const body = JSON.stringify(request);
      return own.ask(access, { method: "POST", path: paths.adminRaise(raiseId), body }, AdminRaise);
    },
    decideConflict: (access, conflictId, decision) => {
      const body = JSON.stringify({ decision });
      return own.tell(access, { method: "POST", path: paths.adminIdentity(conflictId), body });
    },
  };
}
