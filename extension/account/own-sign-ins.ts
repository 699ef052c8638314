import { paths } from "../../functions/contract/paths.ts";
import { type Session as SignIn, SessionsAnswer } from "../../functions/contract/sessions.ts";
import type { Access } from "./access-token.ts";
import { FunctionError } from "./function-error.ts";
import type { OwnClientDeps } from "./own-client.ts";
import { createOwnClient } from "./own-client.ts";

/** Where a person is signed in: all of their sessions, in this and in other editors. */
export interface OwnSignIns {
  /** Throws FunctionError, and CancelledError when the signal is aborted. */
  list(access: Access, signal?: AbortSignal): Promise<readonly SignIn[]>;
  /** Also when it has ended meanwhile. Throws FunctionError. */
  end(access: Access, id: string): Promise<void>;
}

export function createOwnSignIns(deps: OwnClientDeps): OwnSignIns {
  const own = createOwnClient(deps);
  return {
    list: async (access, signal) => {
      const { sessions } = await own.ask(access, { method: "GET", path: paths.sessions, signal }, SessionsAnswer);
      return sessions;
    },
    end: async (access, id) => {
      try {
        await own.tell(access, { method: "DELETE", path: paths.ownSession(id) });
      } catch (error) {
        // It has ended by itself or in another window, which is what was wanted.
        if (!(error instanceof FunctionError) || error.code !== "not_found") throw error;
      }
    },
  };
}
