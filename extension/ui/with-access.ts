import type { Access, AccessToken } from "../account/access-token.ts";
import { type AddressReading, functionAddressFault } from "../account/function-address.ts";
import { FunctionError } from "../account/function-error.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import type { Dialogs } from "./dialogs.ts";
import { t } from "../base/words.ts";

export interface AccessDeps {
  readonly address: () => AddressReading;
  /** Writes the person's own setting. */
  readonly setAddress: (address: string) => Promise<void>;
  readonly accessToken: AccessToken;
  readonly dialogs: Dialogs;
}

/**
 * For work that must not be begun anew: signs in once more and answers the session to go on with. Throws the error
 * itself when that has been done before, UserError when somebody else signed in, and CancelledError.
 */
export type Renew = (error: FunctionError) => Promise<Access>;

/**
 * Sees to the address before anything else is asked, signs in where needed, and once more when the function wants a fresh
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
    throw new UserError(t("You are signed in as {0} now, so nothing was done. Start again.", renewed.account.label));
  };
  try {
    return await work(access, renew);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    return work(await renew(error), renew);
  }
}

/**
 * Returns when a usable address is set: asks for it here and now where there is none. Throws CancelledError when the
 * person gives none, and UserError when it cannot be kept.
 */
export async function requireAddress(deps: Pick<AccessDeps, "address" | "setAddress" | "dialogs">): Promise<void> {
  const reading = deps.address();
  if (reading.kind === "address") return;
  const typed = await deps.dialogs.input({
    title: t("Address of Your Company's Function"),
    prompt:
      reading.kind === "fault"
        ? reading.message
        : t("For example https://keys.example.com. Whoever runs OpenRouter Keys at your company knows it."),
    value: reading.kind === "fault" ? (reading.text ?? "") : "",
    fault: functionAddressFault,
  });
  if (typed === undefined || typed.trim() === "") throw new CancelledError();
  await deps.setAddress(typed.trim()).catch((cause: unknown) => {
    throw new UserError(t("The address could not be written to your settings. Open the settings and set it there."), {
      cause,
    });
  });
  // Whoever set it in a place that counts more, such as a policy of the company, goes on having the last word.
  const kept = deps.address();
  if (kept.kind !== "address")
    throw new UserError(t("Your settings did not take the address. Set openrouterKeys.functionUrl there."));
}
