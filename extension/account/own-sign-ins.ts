import { paths } from "../../functions/contract/paths.ts";
import { type Session as SignIn, SessionsAnswer } from "../../functions/contract/sessions.ts";
import type { Access } from "./access-token.ts";
import type { FunctionClient } from "./function-client.ts";
import { isFunctionError } from "./function-error.ts";
import type { SessionStore } from "./session.ts";

/** Where a person is signed in: all of their sessions, in this and in other editors. */
export interface OwnSignIns {
  /** Throws FunctionError, and CancelledError when the signal is aborted. */
  list(access: Access, signal?: AbortSignal): Promise<readonly SignIn[]>;
  /** Also when it has ended meanwhile. Throws FunctionError. */
  end(access: Access, id: string): Promise<void>;
}

interface OwnSignInsDeps {
  readonly client: FunctionClient;
  readonly sessions: Pick<SessionStore, "expire" | "forget">;
}

export function createOwnSignIns({ client, sessions }: OwnSignInsDeps): OwnSignIns {
  const to = ({ address, token }: Access) => ({ address, token });
  const watched = <T>(access: Access, work: Promise<T>): Promise<T> => watchSession(sessions, access, work);
  return {
    list: async (access, signal) => {
      const asked = client.ask({ ...to(access), method: "GET", path: paths.sessions, signal }, SessionsAnswer);
      return (await watched(access, asked)).sessions;
    },
    end: async (access, id) => {
      try {
        await watched(access, client.tell({ ...to(access), method: "DELETE", path: paths.ownSession(id) }));
      } catch (error) {
        // It has ended by itself or in another window, which is what was wanted.
        if (!isFunctionError(error) || error.code !== "not_found") throw error;
      }
    },
  };
}

/** A refused token is not offered again, and who has left is not served; a function in trouble changes nothing. */
export async function watchSession<T>(
  sessions: Pick<SessionStore, "expire" | "forget">,
  access: Access,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isFunctionError(error) && error.code === "unauthorized") {
      await sessions.expire(access.address, access.token);
    }
    if (isFunctionError(error) && error.code === "offboarded") await sessions.forget(access.address);
    throw error;
  }
}
