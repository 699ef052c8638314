import type { Access, AccessToken } from "../account/access-token.ts";
import type { AddressReading } from "../account/function-address.ts";
import { FunctionError } from "../account/function-error.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import type { Dialogs } from "./dialogs.ts";

export interface AccessDeps {
  readonly address: () => AddressReading;
  readonly accessToken: AccessToken;
  readonly dialogs: Dialogs;
}

/**
 * For work that must not be begun anew: signs in once more and answers the session to go on with. Throws the error
 * itself when that has been done before, UserError when somebody else signed in, and CancelledError.
 */
export type Renew = (error: FunctionError) => Promise<Access>;

/**
 * Checks the address before anything is asked, signs in where needed, and once more when the function wants a fresh
 * sign-in: then the work runs a second time, so it has to be safe to repeat, unless it has gone on by itself with
 * `renew`. Throws what the work throws, and CancelledError.
 */
export async function withAccess<T>(deps: AccessDeps, work: (access: Access, renew: Renew) => Promise<T>): Promise<T> {
  await requireAddress(deps);
  const access = (await deps.accessToken.existing()) ?? (await deps.accessToken.ask());
  let isRenewed = false;
  const renew: Renew = async (error) => {
    if (isRenewed || (error.code !== "unauthorized" && error.code !== "reauth_required")) throw error;
    isRenewed = true;
    const renewed = await deps.accessToken.ask(error.code === "reauth_required" ? { fresh: true } : {});
    if (renewed.account.id === access.account.id) return renewed;
    throw new UserError(`You are signed in as ${renewed.account.label} now, so nothing was done. Start again.`);
  };
  try {
    return await work(access, renew);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    return work(await renew(error), renew);
  }
}

/** Returns when a usable address is set; otherwise says what to do and throws CancelledError. */
export async function requireAddress({ address, dialogs }: Pick<AccessDeps, "address" | "dialogs">): Promise<void> {
  const reading = address();
  if (reading.kind === "address") return;
  const message =
    reading.kind === "fault"
      ? reading.message
      : "Set the address of your company's function first. Whoever runs OpenRouter Keys at your company knows it.";
  const pressed = await dialogs.error(message, "Set Address");
  if (pressed !== undefined) await dialogs.openSetting("openrouterKeys.functionUrl");
  throw new CancelledError();
}
