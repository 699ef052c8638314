import * as z from "zod/mini";

import type { AdminKey } from "../../functions/contract/admin.ts";
import { type KeyState, keyStates } from "../../functions/contract/keys.ts";
import type { CompanyKeys, KeyFilter } from "../admin/company-keys.ts";
import type { Pages } from "../admin/pages.ts";
import type { RunListDeps } from "../admin/run-list.ts";
import { CancelledError, presentable, UserError } from "../base/errors.ts";
import type { Choice, Dialogs } from "./dialogs.ts";

export interface CompanyKeyDeps extends Pick<RunListDeps, "withAccess"> {
  readonly companyKeys: Pick<CompanyKeys, "patch" | "delete">;
  readonly pages: Pages<AdminKey>;
  readonly dialogs: Dialogs;
}

/** What the administrators' view passes. */
const KeyArgument = z.object({ companyKeyId: z.string() });

export async function disableCompanyKey(deps: CompanyKeyDeps, argument: unknown): Promise<void> {
  const key = find(deps, argument);
  const detail =
    "OpenRouter refuses it at once, and whatever uses it stops working. Only an administrator can enable it again.";
  if (!(await deps.dialogs.confirm(`Disable ${titled(key)}?`, detail, "Disable"))) throw new CancelledError();
  await patch(deps, key, true);
  void deps.dialogs.info(`${capital(titled(key))} is disabled.`);
}

export async function enableCompanyKey(deps: CompanyKeyDeps, argument: unknown): Promise<void> {
  const key = find(deps, argument);
  await patch(deps, key, false);
  void deps.dialogs.info(`${capital(titled(key))} works again.`);
}

export async function deleteCompanyKey(deps: CompanyKeyDeps, argument: unknown): Promise<void> {
  const key = find(deps, argument);
  const detail =
    "OpenRouter stops accepting it at once, whatever uses it stops working, and it cannot be brought back. It is in the record under your name.";
  if (!(await deps.dialogs.confirm(`Delete ${titled(key)}?`, detail, "Delete"))) throw new CancelledError();
  await deps.withAccess((access) => deps.companyKeys.delete(access, key.id));
  deps.pages.change(
    (keys) => keys.filter(({ id }) => id !== key.id),
    (total) => total - 1,
  );
  void deps.dialogs.info(`${capital(titled(key))} is deleted.`);
}

async function patch(deps: CompanyKeyDeps, { id }: AdminKey, disabled: boolean): Promise<void> {
  const changed = await deps.withAccess((access) => deps.companyKeys.patch(access, id, { disabled }));
  // In its place, without asking for the pages again: nothing jumps.
  deps.pages.change(
    (keys) => keys.map((key) => (key.id === id ? { ...key, state: changed.state, name: changed.name } : key)),
    (total) => total,
  );
}

function find({ pages }: CompanyKeyDeps, argument: unknown): AdminKey {
  const { companyKeyId } = KeyArgument.parse(argument);
  const key = pages.current.items.find(({ id }) => id === companyKeyId);
  if (key === undefined) throw new UserError("This key is no longer in the list. Search for it again.");
  return key;
}

function titled({ name, owner }: AdminKey): string {
  return `the key “${presentable(name)}” of ${presentable(owner.label)}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What to look for; undefined where everything is meant. Throws CancelledError. */
export async function askSearch(dialogs: Dialogs, { q = "" }: KeyFilter): Promise<string | undefined> {
  const text = await dialogs.input({
    title: "Search Keys",
    prompt: "Part of an owner's e-mail or of a key's name. Empty shows all.",
    value: q,
    fault: (typed) => (typed.trim().length > 200 ? "At most 200 characters." : undefined),
  });
  if (text === undefined) throw new CancelledError();
  return text.trim() === "" ? undefined : text.trim();
}

/** Which state; undefined where all are meant. Throws CancelledError. */
export async function askState(dialogs: Dialogs): Promise<KeyState | undefined> {
  const choices: readonly Choice<{ readonly state: KeyState | undefined }>[] = [
    { label: "All States", value: { state: undefined } },
    ...keyStates.map((state) => ({ label: capital(state), description: meanings[state], value: { state } })),
  ];
  const picked = await dialogs.pickOne("Filter Keys", "Which keys?", choices);
  if (picked === undefined) throw new CancelledError();
  return picked.state;
}

const meanings: Readonly<Record<KeyState, string>> = {
  active: "OpenRouter accepts it",
  disabled: "refused until it is enabled",
  retiring: "replaced, and still works for a while",
  revoked: "ended with its owner's access",
  expired: "past its time",
  gone: "OpenRouter no longer has it",
};
