import { paths } from "../../functions/contract/paths.ts";
import { Raise, RaisesAnswer } from "../../functions/contract/raises.ts";
import type { RaiseRequest } from "../../functions/contract/requests.ts";
import type { Access } from "../account/access-token.ts";
import type { OwnClientDeps } from "../account/own-client.ts";
import { createOwnClient } from "../account/own-client.ts";

/** The person's own raises. Every method throws FunctionError. */
export interface RaiseService {
  /** Newest first. */
  list(access: Access): Promise<readonly Raise[]>;
  /** Not safe to repeat by itself: a key has one open raise, so a repeat of one that arrived is refused. */
  ask(access: Access, request: RaiseRequest): Promise<Raise>;
}

export function createRaiseService(deps: OwnClientDeps): RaiseService {
  const own = createOwnClient(deps);
  return {
    list: async (access) => (await own.ask(access, { method: "GET", path: paths.raises }, RaisesAnswer)).raises,
    ask: (access, request) =>
      own.ask(access, { method: "POST", path: paths.raises, body: JSON.stringify(request) }, Raise),
  };
}
