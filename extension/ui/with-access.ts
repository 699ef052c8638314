import type { Access, AccessToken } from "../account/access-token.ts";
import type { AddressReading } from "../account/function-address.ts";
import { FunctionError } from "../account/function-error.ts";
import { CancelledError } from "../base/errors.ts";
import type { Dialogs } from "./dialogs.ts";

export interface AccessDeps {
  readonly address: () => AddressReading;
  readonly accessToken: AccessToken;
  readonly dialogs: Dialogs;
}

/**
 * Checks the address before anything is asked, signs in where needed, and once more when the function wants a fresh
 * sign-in: then the work runs a second time, so it has to be safe to repeat. Throws what the work throws, and
 * CancelledError.
 */
export async function withAccess<T>(deps: AccessDeps, work: (access: Access) => Promise<T>): Promise<T> {
  await requireAddress(deps);
  const access = (await deps.accessToken.existing()) ?? (await deps.accessToken.ask());
  try {
    return await work(access);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    if (error.code === "unauthorized") return work(await deps.accessToken.ask());
    if (error.code === "reauth_required") return work(await deps.accessToken.ask({ fresh: true }));
    throw error;
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
