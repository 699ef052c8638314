import { paths } from "../../functions/contract/paths.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { FunctionClient } from "./function-client.ts";
import type { SessionStore } from "./session.ts";

interface SignOutDeps {
  readonly sessions: SessionStore;
  readonly client: FunctionClient;
  readonly log: Log;
}

/**
 * Forgets first, so that nothing is served from here on whatever the network does; then tells the function, which
 * would otherwise end the session by itself after some days. Safe to repeat.
 */
export async function signOut({ sessions, client, log }: SignOutDeps, address: FunctionAddress): Promise<void> {
  const session = await sessions.read(address);
  await sessions.forget(address);
  if (session.kind !== "signed-in") return;
  await endSession({ client, log }, address, session.token);
}

/** Best effort: never rejects. */
export async function endSession(
  { client, log }: Pick<SignOutDeps, "client" | "log">,
  address: FunctionAddress,
  token: string,
): Promise<void> {
  try {
    await client.tell({ address, method: "DELETE", path: paths.session, token, timeout: 5000 });
  } catch (error) {
    log.warn(`The function could not be told of the sign-out: ${describe(error)}`);
  }
}
