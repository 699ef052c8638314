import type { Access } from "../account/access-token.ts";
import type { News, Tell } from "../account/sign-in.ts";
import { signOut } from "../account/sign-out.ts";
import type { Dialogs } from "./dialogs.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { ToolsDeps } from "./set-up-tools.ts";
import { type AccessDeps, requireAddress } from "./with-access.ts";
import { t } from "../base/words.ts";

interface AccountDeps extends AccessDeps {
  readonly ring: Pick<KeyRing, "refresh">;
}

export async function signInCommand(deps: AccountDeps): Promise<void> {
  await requireAddress(deps);
  const access = (await deps.accessToken.existing()) ?? (await deps.accessToken.ask());
  await deps.ring.refresh();
  void deps.dialogs.info(t("Signed in as {0}.", access.account.label));
}

/** The command: as signing in, but the browser shows a code to paste, for where it cannot come back by itself. */
export async function signInWithCode(deps: AccountDeps): Promise<void> {
  await requireAddress(deps);
  const access = await deps.accessToken.ask({ byCode: true });
  await deps.ring.refresh();
  void deps.dialogs.info(t("Signed in as {0}.", access.account.label));
}

interface SignOutDeps extends AccountDeps, ToolsDeps {
  readonly ring: Pick<KeyRing, "refresh">;
}

export async function signOutCommand(deps: SignOutDeps & Parameters<typeof signOut>[0]): Promise<void> {
  const reading = deps.address();
  if (reading.kind !== "address") return;
  const session = await deps.sessions.read(reading.address);
  await signOut(deps, reading.address);
  await deps.ring.refresh();
  if (session.kind === "signed-out") return;
  const { saySignedOut } = await import("./say-signed-out.ts");
  void saySignedOut(deps);
}

/** What is said, and the button. */
function inWords(about: News): readonly [message: string, button: string] {
  switch (about) {
    case "paste":
      return [
        t("This window was reloaded while you were signing in: paste the code that your browser shows to go on."),
        t("Paste Code"),
      ];
    case "finish":
      return [
        t("This window was reloaded while you were signing in: finish in your browser to go on."),
        t("Sign In Again"),
      ];
    case "lost":
      return [
        t("This window was reloaded while you were signing in, and your browser cannot come back to it."),
        t("Sign In Again"),
      ];
  }
}

/** At the start: the window may have been reloaded during a sign-in. Says so where the person has to do something. */
export async function resumeSignIn(
  deps: Pick<AccountDeps, "dialogs" | "ring">,
  resume: (tell: Tell) => Promise<Access | undefined>,
): Promise<void> {
  const access = await resume(async (about) => {
    const [message, button] = inWords(about);
    return (await deps.dialogs.info(message, button)) !== undefined;
  });
  if (access === undefined) return;
  await deps.ring.refresh();
  void deps.dialogs.info(t("Signed in as {0}.", access.account.label));
}

/** An editor in a browser does not show one window what another has stored. Never rejects. */
export async function offerReload(dialogs: Pick<Dialogs, "info" | "reload">): Promise<void> {
  const pressed = await dialogs.info(
    t("You signed in from another window. Reload this one to be signed in here too."),
    t("Reload"),
  );
  if (pressed !== undefined) await dialogs.reload();
}
