import type { Key } from "../../functions/contract/keys.ts";
import type { KeyRingState } from "../keys/key-ring.ts";
import type { ToolInUse } from "../tools/tool-setup.ts";
import type { Dialogs } from "./dialogs.ts";
import type { Memory } from "./left-out-tools.ts";
import { listOf } from "./list-of.ts";

interface StopNoticeDeps {
  readonly dialogs: Pick<Dialogs, "warn">;
  readonly memory: Memory;
  /** Never rejects. */
  readonly toolsInUse: () => Promise<readonly ToolInUse[]>;
  /** Never rejects. */
  readonly setBack: (tools: readonly ToolInUse[]) => Promise<void>;
  /** In the window in front only: every window hears of it. */
  readonly isInFront: () => boolean;
}

export interface StopNotice {
  /** Looks whether the tools' key still works. Never rejects. */
  follow(state: KeyRingState): Promise<void>;
  /** The person disables the key here and hears of it there: nothing more is said of it. */
  expect(keyId: string): Promise<void>;
  /** The function said that the person has left. Never rejects. */
  left(): Promise<void>;
}

const toldName = "tools-stop-told";

/** How a key ended that nobody here has ended. */
const endings: Readonly<Record<Key["state"], string | undefined>> = {
  active: undefined,
  retiring: undefined,
  unknown: undefined,
  disabled: "was disabled",
  revoked: "was revoked",
  expired: "has expired",
  gone: "no longer exists at OpenRouter",
};

/** Names the tools that stop, once for each end of their key, over all windows and starts. */
export function createStopNotice({ dialogs, memory, toolsInUse, setBack, isInFront }: StopNoticeDeps): StopNotice {
  async function say(what: string): Promise<void> {
    const tools = (await toolsInUse()).filter(({ isCurrent }) => isCurrent);
    // Where no tool uses the key, its row says enough.
    if (tools.length === 0) return;
    const names = listOf(tools.map(({ label }) => label));
    const pressed = await dialogs.warn(`${what} ${names} cannot use OpenRouter any more.`, "Set Tools Back");
    if (pressed !== undefined) await setBack(tools);
  }

  return {
    follow: async (state) => {
      if (state.kind !== "ready" || state.toolsKeyId === undefined) return;
      const { toolsKeyId: id } = state;
      const key = state.keys.find((candidate) => candidate.id === id);
      const ending = key === undefined ? "was deleted" : endings[key.state];
      const told = memory.get(toldName);
      if (ending === undefined) {
        if (told !== undefined && told !== "" && key?.state !== "unknown") await memory.update(toldName, "");
        return;
      }
      const mark = `${id} ${key?.state ?? "deleted"}`;
      if (told === mark || !isInFront()) return;
      // Before it is shown: a window that is closed with the message in it has told.
      await memory.update(toldName, mark);
      await say(key === undefined ? "The key of your coding tools was deleted." : `The key “${key.name}” ${ending}.`);
    },
    expect: async (id) => {
      await memory.update(toldName, `${id} disabled`);
    },
    left: () => say("Your access to OpenRouter has ended."),
  };
}
