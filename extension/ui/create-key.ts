import { keyNameFault, type Key } from "../../functions/contract/keys.ts";
import type { MeAnswer } from "../../functions/contract/account.ts";
import type { Access } from "../account/access-token.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import type { Delivery, KeyCreation } from "../keys/create-key.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { isLive } from "../keys/key-row.ts";
import type { KeyService } from "../keys/key-service.ts";
import type { LiveCheck } from "../keys/live-check.ts";
import type { SecretVault } from "../keys/secret-vault.ts";
import { perWindow, usd } from "../keys/wording.ts";
import { offerTools, type ToolsDeps } from "./set-up-tools.ts";
import { type AccessDeps, type Renew, withAccess } from "./with-access.ts";

export interface CreateKeyDeps extends AccessDeps, ToolsDeps {
  readonly service: Pick<KeyService, "me" | "delete">;
  readonly creation: KeyCreation;
  readonly vault: SecretVault;
  readonly ring: KeyRing;
  readonly machineName: string;
  /** Goes on with creates that were left open, in the background. */
  readonly settleLater: () => void;
}

/** The command: one question, then the key is made, checked, kept, and offered to the tools on this machine. */
export async function createKey(deps: CreateKeyDeps): Promise<void> {
  const { dialogs, ring } = deps;
  // Kept across a sign-in, which repeats the work: a name is asked for once.
  let name: string | undefined;

  const made = await withAccess(deps, async (begun, renewOnce) => {
    let access = begun;
    const renew: Renew = async (error) => (access = await renewOnce(error));
    const earlier = await finishEarlier(deps, access, renew);
    if (earlier !== undefined) return { ...earlier, access };

    const me = await deps.service.me(access);
    const limitUsd = limitFor(me);
    name ??= await dialogs.input({
      title: "Create OpenRouter Key",
      prompt: `A name for the key. It may spend ${usd(limitUsd)} ${perWindow(me.plan.reset)} and works for ${me.plan.maxLifetimeDays} days.`,
      value: deps.machineName,
      fault: keyNameFault,
    });
    if (name === undefined) throw new CancelledError();
    const request = { name: name.trim(), limitUsd };
    const made = await makeAndCheck(deps, creating, access, (signal, report) =>
      deps.creation.create(begun, request, signal, report, renew),
    );
    // The session that it ended with, which is another one after a sign-in in between.
    return { ...made, access };
  });
  await ring.refresh();

  const { access, delivery, check: live } = made;
  if (delivery.kind === "discarded") return;
  if (delivery.kind === "secret-lost") {
    void offerDeletion(deps, access, delivery.key);
    return;
  }
  const { key } = delivery;
  const opening =
    live.kind === "works" ? `The key “${key.name}” is ready.` : `The key “${key.name}” is made. ${live.message}`;
  if (!(await becomesToolsKey(deps, access, key))) {
    void dialogs.info(opening);
    return;
  }
  await ring.refresh();
  await offerTools(deps, { opening, keyName: key.name, isKeyChecked: true });
}

/** What a key may spend under this plan just now, in whole cents. Throws UserError where no key can be had. */
function limitFor({ plan, allowanceUsd, keysLeft }: MeAnswer): number {
  const { maxKeys, budgetUsd, defaultKeyUsd, maxKeyUsd, reset } = plan;
  if (keysLeft <= 0) {
    const keys = maxKeys === 1 ? "1 key" : `${maxKeys} keys`;
    throw new UserError(`Your plan allows ${keys}, and you have as many. Delete one that you no longer need first.`);
  }
  const limitUsd = Math.floor(Math.min(defaultKeyUsd, maxKeyUsd, allowanceUsd) * 100 + 1e-6) / 100;
  if (limitUsd < 0.01) {
    const budget = `${usd(budgetUsd)} ${perWindow(reset)}`;
    throw new UserError(`Your keys already have all ${budget} of your plan. Delete one to free its part.`);
  }
  return limitUsd;
}

/** A create that is still under way is not asked for a second time without the person saying so. */
async function finishEarlier(deps: CreateKeyDeps, access: Access, renew: Renew): Promise<Made | undefined> {
  for (const entry of await deps.creation.unfinished(access)) {
    const message = `The key “${entry.name}” was asked for before and has not arrived yet.`;
    const pressed = await deps.dialogs.warn(message, "Finish It", "Discard It");
    if (pressed === undefined) throw new CancelledError();
    if (pressed === "Finish It") {
      return makeAndCheck(deps, creating, access, (signal, report) =>
        deps.creation.finish(access, entry, signal, report, renew),
      );
    }
    await deps.creation.discard(access, entry);
    deps.settleLater();
  }
  return undefined;
}

const creating = "Creating your OpenRouter key";

export interface Made {
  readonly delivery: Delivery;
  readonly check: LiveCheck;
}

export type MakeAndCheckDeps = Pick<CreateKeyDeps, "dialogs" | "settleLater" | "vault" | "openRouterUrl" | "checkLive">;

/** Under one notification: the key is made, then OpenRouter is asked whether it takes it. */
export async function makeAndCheck(
  deps: MakeAndCheckDeps,
  title: string,
  access: Access,
  make: (signal: AbortSignal, report: (message: string) => void) => Promise<Delivery>,
): Promise<Made> {
  return deps.dialogs.progress(title, async (signal, report) => {
    const delivery = await make(signal, report).catch((error: unknown) => {
      // Cancelled, or not answered: what may have been sent is looked after.
      deps.settleLater();
      throw error;
    });
    if (delivery.kind !== "delivered") return { delivery, check: { kind: "works" } };
    report("Checking it with OpenRouter…");
    return { delivery, check: await check(deps, access, delivery.key, signal) };
  });
}

async function check(deps: MakeAndCheckDeps, access: Access, key: Key, signal: AbortSignal): Promise<LiveCheck> {
  const secret = await deps.vault.secrets.read(access.address, key.id);
  const reading = deps.openRouterUrl();
  if (reading.kind !== "address" || secret === undefined) {
    const reason = reading.kind === "fault" ? `: ${reading.message}` : ".";
    return { kind: "doubtful", message: `It was not checked${reason}` };
  }
  try {
    return await deps.checkLive(reading.address.base, secret, signal);
  } catch (error) {
    // The key is made and stored: a cancel from here on only skips the check.
    if (signal.aborted) return { kind: "doubtful", message: "It was not checked." };
    throw error;
  }
}

/** True when the tools are to use this key: there is no other, or the person prefers this one. */
async function becomesToolsKey(deps: CreateKeyDeps, access: Access, key: Key): Promise<boolean> {
  const currentId = await deps.toolsKey.read(access);
  const state = deps.ring.current;
  const keys = state.kind === "ready" ? state.keys : [];
  const rival = keys.find((other) => other.id === currentId && other.id !== key.id && isLive(other));
  if (rival !== undefined && (await deps.vault.secrets.read(access.address, rival.id)) !== undefined) {
    const use = `Use “${key.name}”`;
    const message = `The key “${key.name}” is ready. Your coding tools use “${rival.name}”. Which one should they use?`;
    if ((await deps.dialogs.info(message, use, `Keep “${rival.name}”`)) !== use) return false;
  }
  await deps.toolsKey.use(access, key.id);
  return true;
}

/** Never rejects. */
export async function offerDeletion(
  { dialogs, service, ring }: Pick<CreateKeyDeps, "dialogs" | "service" | "ring">,
  access: Access,
  key: Key,
): Promise<void> {
  const message = `The key “${key.name}” exists, but its secret was lost on the way and nobody can get it any more.`;
  if ((await dialogs.warn(message, "Delete Key")) === undefined) return;
  try {
    await service.delete(access, key.id);
    await ring.refresh();
  } catch (error) {
    const reason = error instanceof UserError ? error.message : "Try again in the keys view.";
    void dialogs.error(`The key “${key.name}” could not be deleted. ${reason}`);
  }
}
