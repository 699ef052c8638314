import { CancelledError } from "../base/errors.ts";
import type { ChatOfTheEditor } from "../chat/chat-of-the-editor.ts";
import type { KeyRing } from "../keys/key-ring.ts";
import { isUsable } from "../keys/key-row.ts";
import type { ToolsKeyChoice } from "../keys/tools-key.ts";
import { type AccessDeps, withAccess } from "./with-access.ts";
import { chooseToolsKey } from "./set-up-tools.ts";
import { t } from "../base/words.ts";

interface UseInChatDeps extends AccessDeps {
  readonly ring: KeyRing;
  readonly toolsKey: ToolsKeyChoice;
  readonly now: () => number;
  readonly chat: ChatOfTheEditor;
  /** Writes the person's own setting. */
  readonly setOn: (isOn: boolean) => Promise<void>;
  readonly createKey: () => Promise<void>;
}

/** The command: OpenRouter's models in the editor's chat, paid by the key that the tools use. */
export async function useInChat(deps: UseInChatDeps): Promise<void> {
  const { dialogs, chat } = deps;
  if (chat.isSwitchedOff()) {
    void dialogs.warn(
      t("The editor's chat is switched off by the setting chat.disableAIFeatures. Switch it on first."),
    );
    return;
  }
  const keyName = await haveKey(deps);
  await deps.setOn(true);
  const isReady = !(await chat.needsSetUp()) || (await setUp(deps));
  void conclude(deps, keyName, isReady);
}

/** The name of the key that pays. Throws CancelledError where there is none in the end. */
async function haveKey(deps: UseInChatDeps): Promise<string> {
  return withAccess(deps, async (access) => {
    await deps.ring.refresh();
    const inUse = usedKey(deps);
    if (inUse !== undefined) return inUse;
    const state = deps.ring.current;
    if (state.kind === "ready" && state.keys.some((key) => isUsable(key) && state.storedIds.has(key.id))) {
      return (await chooseToolsKey(deps, access, t("Which key should pay for the chat?"))).name;
    }
    await deps.createKey();
    const made = usedKey(deps);
    if (made === undefined) throw new CancelledError();
    return made;
  });
}

function usedKey({ ring }: UseInChatDeps): string | undefined {
  const state = ring.current;
  if (state.kind !== "ready") return undefined;
  return state.keys.find(({ id }) => id === state.toolsKeyId && state.storedIds.has(id))?.name;
}

async function setUp({ dialogs, chat }: UseInChatDeps): Promise<boolean> {
  const detail = t(
    "Nobody has set it up in this profile, so it would ask you to sign in to GitHub first, which OpenRouter's models do " +
      "not need. This turns on the chat that comes with the editor, Copilot Chat: GitHub's terms and privacy statement " +
      "apply to it (github.com/site/terms).",
  );
  if (!(await dialogs.confirm(t("Set up the editor's chat without an account?"), detail, t("Set Up Chat"))))
    return false;
  await chat.setUp();
  return true;
}

/** Never rejects. */
async function conclude({ dialogs, chat, setOn }: UseInChatDeps, keyName: string, isReady: boolean): Promise<void> {
  const message = isReady
    ? t("OpenRouter's models are in the model picker of the editor's chat. The key “{0}” pays for them.", keyName)
    : t(
        "OpenRouter's models are in the model picker of the editor's chat, which asks you to set it up first. " +
          "The key “{0}” pays for them.",
        keyName,
      );
  const [openChat, undo] = [t("Open Chat"), t("Undo")];
  try {
    const pressed = await dialogs.info(message, openChat, undo);
    if (pressed === openChat) await chat.open();
    if (pressed === undo) await setOn(false);
  } catch {
    void dialogs.error(t("That did not work. The setting openrouterKeys.chat.enabled does the same."));
  }
}

/** The command: takes them out again. */
export async function stopInChat({ dialogs, setOn }: Pick<UseInChatDeps, "dialogs" | "setOn">): Promise<void> {
  await setOn(false);
  void dialogs.info(t("OpenRouter's models are out of the editor's chat."));
}
