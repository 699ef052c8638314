import type { RotateKeyAnswer } from "../../functions/contract/keys.ts";
import { CancelledError } from "../base/errors.ts";
import { clockTimeOf } from "../keys/wording.ts";
import { choose, type ChangeKeyDeps } from "./change-key.ts";
import { type CreateKeyDeps, makeAndCheck, offerDeletion } from "./create-key.ts";
import type { ToolInUse } from "../tools/tool-setup.ts";
import type { ToolsDeps } from "./set-up-tools.ts";
import { switchSentences, usersOr } from "./tools-sentences.ts";
import { type Renew, withAccess } from "./with-access.ts";

type RotateKeyDeps = ChangeKeyDeps & Omit<CreateKeyDeps, "machineName">;

/**
 * The command: makes a key's successor. Nothing is asked, since the key goes on working for a while and the tools of
 * this editor get the other one at once; but a key whose secret is elsewhere is in use where nobody switches it.
 */
export async function rotateKey(deps: RotateKeyDeps, argument: unknown): Promise<void> {
  const { dialogs } = deps;
  const { key, isStored } = await choose(deps, argument, "Rotate Key", ({ state }) => state === "active");
  if (!isStored) {
    const detail =
      "Its secret is not stored in this editor. Whatever uses it elsewhere goes on working for an hour and then stops, " +
      "until you give it the new one.";
    if (!(await dialogs.confirm(`Rotate the key “${key.name}”?`, detail, "Rotate"))) throw new CancelledError();
  }
  const { access, delivery, check } = await withAccess(deps, async (begun, renewOnce) => {
    let access = begun;
    const renew: Renew = async (error) => (access = await renewOnce(error));
    const made = await makeAndCheck(deps, `Rotating the key “${key.name}”`, access, (signal, report) =>
      deps.creation.rotate(begun, key, signal, report, renew),
    );
    return { ...made, access };
  });
  await deps.ring.refresh();
  if (delivery.kind === "discarded") return;
  if (delivery.kind === "secret-lost") {
    void offerDeletion(deps, access, delivery.key);
    return;
  }
  const isForTools = (await deps.toolsKey.read(access)) === delivery.key.id;
  const tools = isForTools ? await switchTools(deps) : undefined;
  const sentence = rotated(delivery.key.name, delivery.retiring, tools, deps.now());
  if (check.kind === "works") void dialogs.info(sentence);
  else void dialogs.warn(`${sentence} ${check.message}`);
}

/** What there is to know when a rotation has ended, now or while the window was closed. */
export function rotated(
  name: string,
  retiring: RotateKeyAnswer["retiring"] | undefined,
  /** Undefined when the key is not the one of the tools. */
  tools: readonly ToolInUse[] | undefined,
  now: number,
): string {
  const isOne = tools?.filter(({ isCurrent }) => isCurrent).length === 1;
  const who =
    tools === undefined
      ? "the new one is stored in this editor"
      : `${usersOr("your coding tools", tools)} ${isOne ? "uses" : "use"} the new one`;
  const end =
    retiring === undefined
      ? ""
      : `, and the old one ${Date.parse(retiring.at) <= now ? "has stopped working" : `stops working at ${clockTimeOf(retiring.at)}`}`;
  return [`The key “${name}” is rotated: ${who}${end}.`, ...switchSentences(tools ?? [])].join(" ");
}

/** Tools that have the key in a file get the new one before anybody is told that they have it. Never rejects. */
export async function switchTools({
  refreshTools,
  toolsInUse,
}: Pick<ToolsDeps, "refreshTools" | "toolsInUse">): Promise<readonly ToolInUse[]> {
  await refreshTools();
  return toolsInUse();
}
