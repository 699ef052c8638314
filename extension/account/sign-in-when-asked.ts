import { lazily } from "../base/lazily.ts";
import type { PendingSignIns } from "./pending-sign-in.ts";
import type { SignIn } from "./sign-in.ts";

/** Most starts sign nobody in, and have no sign-in to go on with: what does it is loaded when it is needed. */
export function signInWhenAsked(pending: Pick<PendingSignIns, "hasAny">, load: () => Promise<SignIn>): SignIn {
  const loaded = lazily(load);
  return {
    signIn: async (...request) => (await loaded()).signIn(...request),
    resume: async (address, ...rest) =>
      (await pending.hasAny(address)) ? (await loaded()).resume(address, ...rest) : undefined,
  };
}
