/**
 * The second way to sign in, for companies whose function offers it: the Microsoft account that is built into the
 * editor. Which API and which tenant is said by the function at the address that is set, in ids only; the permission is
 * ours, so that nobody is led to give a token for mail or files. The token is traded once and kept nowhere.
 */
import { TokenAnswer } from "../../functions/contract/account.ts";
import { EntraAnswer, entraScopes } from "../../functions/contract/entra.ts";
import { paths } from "../../functions/contract/paths.ts";
import { CancelledError, describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { FunctionClient } from "./function-client.ts";

/** The editor's own sign-in at Microsoft: an access token. Rejects when the person says no, or when it fails. */
export type AskMicrosoft = (scopes: readonly string[]) => Promise<string>;

/** off: not offered here. failed: the person said no, or somebody else did. */
export type MicrosoftEnd =
  | { readonly kind: "signed-in"; readonly answer: TokenAnswer }
  | { readonly kind: "off" }
  | { readonly kind: "failed" };

interface MicrosoftDeps {
  readonly client: FunctionClient;
  readonly ask: AskMicrosoft;
  readonly log: Log;
}

/** Never rejects but with CancelledError, when the signal is aborted: there is always the browser. */
export type SignInWithMicrosoft = (
  address: FunctionAddress,
  signal: AbortSignal,
  onTurn: () => void,
) => Promise<MicrosoftEnd>;

export function createSignInWithMicrosoft({ client, ask, log }: MicrosoftDeps): SignInWithMicrosoft {
  async function offer(address: FunctionAddress, signal: AbortSignal): Promise<EntraAnswer | undefined> {
    try {
      return await client.ask({ address, method: "GET", path: paths.authEntra, signal }, EntraAnswer);
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      // Not set up, or a function that does not know of it.
      return undefined;
    }
  }

  return async (address, signal, onTurn) => {
    const offered = await offer(address, signal);
    if (offered === undefined) return { kind: "off" };
    log.info(`Signing in at ${address.origin} with the editor's Microsoft account.`);
    onTurn();
    try {
      const accessToken = await Promise.race([ask(entraScopes(offered)), aborted(signal)]);
      const body = JSON.stringify({ accessToken });
      const answer = await client.ask({ address, method: "POST", path: paths.authEntra, body, signal }, TokenAnswer);
      return { kind: "signed-in", answer };
    } catch (error) {
      if (signal.aborted && error instanceof CancelledError) throw error;
      log.warn(`The Microsoft account did not sign anybody in: ${describe(error)}`);
      return { kind: "failed" };
    }
  };
}

/** Never, or with CancelledError: the editor's own dialogs cannot be called off. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(new CancelledError());
    signal.addEventListener("abort", () => reject(new CancelledError()), { once: true });
  });
}
