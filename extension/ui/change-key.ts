import * as z from "zod/mini";

import { type Key, keyNameFault } from "../../functions/contract/keys.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import { isLive, keyRow } from "../keys/key-row.ts";
import type { KeyRing, KeyRingState, ReadyKeys } from "../keys/key-ring.ts";
import type { KeyService } from "../keys/key-service.ts";
import type { SecretVault } from "../keys/secret-vault.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import type { ToolInUse } from "../tools/tool-setup.ts";
import type { StopNotice } from "./stop-notice.ts";
import { usersOr } from "./tools-sentences.ts";
import { type AccessDeps, withAccess } from "./with-access.ts";

export interface ChangeKeyDeps extends AccessDeps {
  readonly ring: KeyRing;
  readonly service: KeyService;
  readonly vault: SecretVault;
  readonly toolsKey: ToolsKeyChoice;
  readonly toolsInUse: () => Promise<readonly ToolInUse[]>;
  readonly stopNotice: Pick<StopNotice, "expect">;
  readonly now: () => number;
}

/** What the keys view passes to a command; from the palette there is nothing. */
const KeyArgument = z.object({ keyId: z.string() });

export async function disableKey(deps: ChangeKeyDeps, argument: unknown): Promise<void> {
  const chosen = await choose(deps, argument, "Disable Key", ({ state }) => state === "active");
  if (chosen.isToolsKey) await deps.stopNotice.expect(chosen.key.id);
  await withAccess(deps, (access) => deps.service.patch(access, chosen.key.id, { disabled: true }));
  await deps.ring.refresh();
  const tools = chosen.isToolsKey
    ? ` ${usersOr("Your coding tools", await deps.toolsInUse())} cannot use OpenRouter until it is enabled again.`
    : "";
  void deps.dialogs.info(`The key “${chosen.key.name}” is disabled.${tools}`);
}

export async function enableKey(deps: ChangeKeyDeps, argument: unknown): Promise<void> {
  const { key } = await choose(deps, argument, "Enable Key", ({ state }) => state === "disabled");
  await withAccess(deps, (access) => deps.service.patch(access, key.id, { disabled: false }));
  await deps.ring.refresh();
  void deps.dialogs.info(`The key “${key.name}” works again.`);
}

export async function renameKey(deps: ChangeKeyDeps, argument: unknown): Promise<void> {
  const { key } = await choose(deps, argument, "Rename Key", isLive);
  const name = await deps.dialogs.input({
    title: "Rename Key",
    prompt: "The key's name. Tools and secret stay as they are.",
    value: key.name,
    fault: keyNameFault,
  });
  if (name === undefined) throw new CancelledError();
  if (name.trim() === key.name) return;
  await withAccess(deps, (access) => deps.service.patch(access, key.id, { name: name.trim() }));
  await deps.ring.refresh();
}

export async function deleteKey(deps: ChangeKeyDeps, argument: unknown): Promise<void> {
  const { key, isToolsKey } = await choose(deps, argument, "Delete Key", () => true);
  const consequences = [
    isLive(key) ? "OpenRouter stops accepting it at once, and it cannot be brought back." : "It leaves the list.",
    ...(isToolsKey
      ? [
          `${usersOr("Your coding tools", await deps.toolsInUse())} cannot use OpenRouter then, until you choose another key for them.`,
        ]
      : []),
  ];
  if (!(await deps.dialogs.confirm(`Delete the key “${key.name}”?`, consequences.join(" "), "Delete"))) return;
  await withAccess(deps, async (access) => {
    await deps.service.delete(access, key.id);
    if ((await deps.toolsKey.read(access)) === key.id) await deps.toolsKey.forget(access.address);
    await deps.vault.secrets.forget(access.address, key.id);
  });
  await deps.ring.refresh();
  void deps.dialogs.info(`The key “${key.name}” is deleted.`);
}

export interface ChosenKey {
  readonly key: Key;
  readonly isToolsKey: boolean;
  /** Its secret is in this editor's secret storage. */
  readonly isStored: boolean;
}

/** The key of the row that was clicked, else the person's choice. Throws CancelledError and UserError. */
export async function choose(
  deps: ChangeKeyDeps,
  argument: unknown,
  title: string,
  fits: (key: Key) => boolean,
): Promise<ChosenKey> {
  const state = await readyKeys(deps);
  const clicked = KeyArgument.safeParse(argument);
  const named = clicked.success ? state.keys.find(({ id }) => id === clicked.data.keyId) : undefined;
  if (clicked.success && named === undefined)
    throw new UserError("This key is no longer there. The list is up to date.");
  const chosen = (key: Key): ChosenKey => ({
    key,
    isToolsKey: key.id === state.toolsKeyId,
    isStored: state.storedIds.has(key.id),
  });
  if (named !== undefined) return chosen(named);

  const fitting = state.keys.filter(fits);
  if (fitting.length === 0) throw new UserError(`${title}: you have no key for which this can be done.`);
  const choices = fitting.map((value) => {
    const { label, description } = keyRow(value, { ...chosen(value), now: deps.now() });
    return { label, description, value };
  });
  const key = await deps.dialogs.pickOne(title, "Which key?", choices);
  if (key === undefined) throw new CancelledError();
  return chosen(key);
}

async function readyKeys(deps: ChangeKeyDeps): Promise<ReadyKeys> {
  const shown = deps.ring.current;
  if (shown.kind === "ready") return shown;
  const state = await withAccess(deps, async (): Promise<KeyRingState> => {
    await deps.ring.refresh();
    return deps.ring.current;
  });
  if (state.kind === "ready") return state;
  throw new UserError(state.kind === "failed" ? state.message : "Your keys are not there yet. Try again in a moment.");
}
