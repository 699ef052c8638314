import type { Key, RotateKeyAnswer } from "../../functions/contract/keys.ts";
import type { Access } from "../account/access-token.ts";
import { CancelledError } from "../base/errors.ts";
import type { KeyCreation } from "../keys/create-key.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import { clockTimeOf } from "../keys/wording.ts";
import type { ChosenKey } from "./change-key.ts";
import type { Made } from "./create-key.ts";
import type { Dialogs } from "./dialogs.ts";
import type { Renew } from "./with-access.ts";

/**
 * What it shares with the other commands comes in: this is a part that is loaded when first needed, and errors are told
 * apart by the classes of the part that began.
 */
export interface RotateKeyDeps {
  readonly dialogs: Pick<Dialogs, "info" | "warn" | "confirm">;
  readonly creation: Pick<KeyCreation, "rotate">;
  readonly toolsKey: Pick<ToolsKeyChoice, "read">;
  readonly ring: Pick<KeyRing, "refresh">;
  readonly now: () => number;
  readonly choose: (argument: unknown, title: string, fits: (key: Key) => boolean) => Promise<ChosenKey>;
  readonly withAccess: <T>(work: (access: Access, renew: Renew) => Promise<T>) => Promise<T>;
  readonly makeAndCheck: (
    title: string,
    access: Access,
    make: (signal: AbortSignal, report: (message: string) => void) => ReturnType<KeyCreation["rotate"]>,
  ) => Promise<Made>;
  readonly offerDeletion: (access: Access, key: Key) => Promise<void>;
}

/**
 * The command: makes a key's successor. Nothing is asked, since the key goes on working for a while and the tools of
 * this editor get the other one at once; but a key whose secret is elsewhere is in use where nobody switches it.
 */
export async function rotateKey(deps: RotateKeyDeps, argument: unknown): Promise<void> {
  const { dialogs } = deps;
  const { key, isStored } = await deps.choose(argument, "Rotate Key", ({ state }) => state === "active");
  if (!isStored) {
    const detail =
      "Its secret is not stored in this editor. Whatever uses it elsewhere goes on working for an hour and then stops, " +
      "until you give it the new one.";
    if (!(await dialogs.confirm(`Rotate the key “${key.name}”?`, detail, "Rotate"))) throw new CancelledError();
  }
  const { access, delivery, check } = await deps.withAccess(async (begun, renewOnce) => {
    let access = begun;
    const renew: Renew = async (error) => (access = await renewOnce(error));
    const made = await deps.makeAndCheck(`Rotating the key “${key.name}”`, access, (signal, report) =>
      deps.creation.rotate(begun, key, signal, report, renew),
    );
    return { ...made, access };
  });
  await deps.ring.refresh();
  if (delivery.kind === "discarded") return;
  if (delivery.kind === "secret-lost") {
    void deps.offerDeletion(access, delivery.key);
    return;
  }
  const isForTools = (await deps.toolsKey.read(access)) === delivery.key.id;
  const sentence = rotated(delivery.key.name, delivery.retiring, isForTools, deps.now());
  if (check.kind === "works") void dialogs.info(sentence);
  else void dialogs.warn(`${sentence} ${check.message}`);
}

/** What there is to know when a rotation has ended, now or while the window was closed. */
export function rotated(
  name: string,
  retiring: RotateKeyAnswer["retiring"] | undefined,
  isForTools: boolean,
  now: number,
): string {
  const tools = isForTools ? "your coding tools use the new one" : "the new one is stored in this editor";
  if (retiring === undefined) return `The key “${name}” is rotated: ${tools}.`;
  const end = Date.parse(retiring.at) <= now ? "has stopped working" : `stops working at ${clockTimeOf(retiring.at)}`;
  return `The key “${name}” is rotated: ${tools}, and the old one ${end}.`;
}
