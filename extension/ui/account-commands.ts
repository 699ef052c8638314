import { signOut } from "../account/sign-out.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { type AccessDeps, requireAddress } from "./with-access.ts";

interface AccountDeps extends AccessDeps {
  readonly ring: Pick<KeyRing, "refresh">;
}

export async function signInCommand(deps: AccountDeps): Promise<void> {
  await requireAddress(deps);
  const access = (await deps.accessToken.existing()) ?? (await deps.accessToken.ask());
  await deps.ring.refresh();
  void deps.dialogs.info(`Signed in as ${access.account.label}.`);
}

export async function signOutCommand(deps: AccountDeps & Parameters<typeof signOut>[0]): Promise<void> {
  const reading = deps.address();
  if (reading.kind !== "address") return;
  const session = await deps.sessions.read(reading.address);
  await signOut(deps, reading.address);
  await deps.ring.refresh();
  if (session.kind === "signed-out") return;
  void deps.dialogs.info("Signed out. Your keys go on existing; your coding tools get no key until you sign in again.");
}
