import type { Access } from "./access-token.ts";
import type { AnswerSchema, Call, FunctionClient } from "./function-client.ts";
import { FunctionError } from "./function-error.ts";
import type { SessionStore } from "./session.ts";

/** What is asked in somebody's name: without whose, which comes with the access. */
export type OwnCall = Omit<Call, "address" | "token">;

/**
 * The function, asked as the person who is signed in. A refused token is not offered again, and who has left is not
 * served; a function in trouble changes nothing. Throws as FunctionClient does.
 */
export interface OwnClient {
  ask<T>(access: Access, call: OwnCall, answer: AnswerSchema<T>): Promise<T>;
  tell(access: Access, call: OwnCall): Promise<void>;
}

export interface OwnClientDeps {
  readonly client: Pick<FunctionClient, "ask" | "tell">;
  readonly sessions: Pick<SessionStore, "expire" | "forgetLeaver">;
}

export function createOwnClient({ client, sessions }: OwnClientDeps): OwnClient {
  async function watched<T>(access: Access, work: (who: Pick<Call, "address" | "token">) => Promise<T>): Promise<T> {
    const { address, token } = access;
    try {
      return await work({ address, token });
    } catch (error) {
      if (error instanceof FunctionError && error.code === "unauthorized") await sessions.expire(address, token);
      if (error instanceof FunctionError && error.code === "offboarded") await sessions.forgetLeaver(address);
      throw error;
    }
  }
  return {
    ask: (access, call, answer) => watched(access, (who) => client.ask({ ...who, ...call }, answer)),
    tell: (access, call) => watched(access, (who) => client.tell({ ...who, ...call })),
  };
}
