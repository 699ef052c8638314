import type { Session as SignIn } from "../../functions/contract/sessions.ts";
import type { Access } from "../account/access-token.ts";
import type { OwnSignIns } from "../account/own-sign-ins.ts";
import type { SignInRow } from "../account/sign-in-row.ts";
import { UserError } from "../base/errors.ts";
import type { Dialogs } from "./dialogs.ts";
import { type AccessDeps, withAccess } from "./with-access.ts";
import { t } from "../base/words.ts";

/** What a person did with the list; undefined: closed it. */
export type SignInsChoice = { readonly kind: "again" } | { readonly kind: "end"; readonly row: SignInRow } | undefined;

/** `failed` is a sentence. An empty list cannot be: whoever asks is signed in. */
export type SignInsContent =
  | { readonly kind: "signed-in"; readonly signIns: readonly SignIn[]; readonly now: number }
  | { readonly kind: "failed"; readonly message: string };

/** The list itself. Shows at once that it is loading; ends when the person has chosen or closed it. Never rejects. */
export type ShowSignIns = (content: Promise<SignInsContent>) => Promise<SignInsChoice>;

interface SignInsDeps extends AccessDeps {
  readonly signIns: OwnSignIns;
  readonly show: ShowSignIns;
  readonly now: () => number;
  readonly signOut: () => Promise<void>;
  readonly dialogs: Dialogs;
}

/** The command: lists where a person is signed in, and ends what they choose, until they close the list. */
export async function showSignIns(deps: SignInsDeps): Promise<void> {
  const access = await withAccess(deps, async (access) => access);
  for (;;) {
    const choice = await deps.show(read(deps, access));
    if (choice === undefined) return;
    if (choice.kind === "end" && (await end(deps, access, choice.row)) === "signed out") return;
  }
}

async function read({ signIns, now }: SignInsDeps, access: Access): Promise<SignInsContent> {
  try {
    return { kind: "signed-in", signIns: await signIns.list(access), now: now() };
  } catch (error) {
    if (error instanceof UserError) return { kind: "failed", message: error.message };
    throw error;
  }
}

async function end(deps: SignInsDeps, access: Access, row: SignInRow): Promise<"signed out" | "goes on"> {
  if (row.isCurrent) {
    const detail = t("Your coding tools get no key until you sign in again.");
    if (!(await deps.dialogs.confirm(t("Sign out of this editor?"), detail, t("Sign Out")))) return "goes on";
    await deps.signOut();
    return "signed out";
  }
  const detail = t(
    "{0}, {1}. Whoever works there has to sign in again; your keys go on existing.",
    row.label,
    row.description,
  );
  if (!(await deps.dialogs.confirm(t("End this sign-in?"), detail, t("End Sign-In")))) return "goes on";
  await deps.signIns.end(access, row.id);
  return "goes on";
}
