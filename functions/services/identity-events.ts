import type { Deps } from "./deps.ts";
import type { Decision } from "./identity-store.ts";

/** Something that happened to who is who here; never a token or a code. `actorId` is an owner's id. */
export type IdentityEvent =
  | { readonly kind: "identity-conflict"; readonly ownerId: string; readonly issuer: string; readonly subject: string }
  | {
      readonly kind: "identity-decided";
      readonly conflictId: string;
      readonly decision: Decision;
      readonly actorId: string;
    };

/** The one place where identity events pass on their way into the append-only record. */
export async function recordIdentityEvent(_deps: Deps, _event: IdentityEvent): Promise<void> {
  await Promise.resolve();
}
