import { admitPerson } from "./admit-person.ts";
import { askIssuer } from "./ask-issuer.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import { sha256 } from "./secrets.ts";
import type { OpenedSession } from "./sessions.ts";
import { openSessionFor } from "./sessions.ts";

/**
 * Trades an access token that Entra made for the function's own API for a session: the same person, under the same
 * identity, as through the browser. Each token is good for one session, so that one found later in a log opens none.
 */
export async function signInWithEntra(
  deps: Deps,
  request: { accessToken: string; client: string },
): Promise<OpenedSession> {
  const { accessTokens } = deps;
  if (accessTokens === undefined) {
    throw new ServiceError("not_found", "Signing in with the editor's Microsoft account is not set up here.");
  }
  const { identity, expiresAt } = await askIssuer(() => accessTokens.verify(request.accessToken), "unauthorized");
  const owner = await admitPerson(deps, identity);
  // What is signed, without the signature: that can be written in more than one way.
  const signed = request.accessToken.slice(0, request.accessToken.lastIndexOf("."));
  if (!(await deps.accounts.useToken(await sha256(signed), expiresAt, deps.clock()))) {
    throw new ServiceError("unauthorized", "This Microsoft token has already been used to sign in. Sign in again.");
  }
  return openSessionFor(deps, { ownerId: owner.id, authTime: identity.authTime, client: request.client });
}
