import type { Key } from "../../functions/contract/keys.ts";
import { isUsable } from "./key-row.ts";

export interface KeyGroups {
  /** What a person works with: at the top, in no group. */
  readonly own: readonly Key[];
  readonly groups: readonly KeyGroup[];
}

export interface KeyGroup {
  /** The editor remembers by it whether the group is open. */
  readonly id: string;
  readonly label: string;
  readonly isOpenAtFirst: boolean;
  readonly accessibilityLabel: string;
  readonly keys: readonly Key[];
}

/** Keys that were replaced and keys that are no more stand apart, where there are any, below those in use. */
export function groupKeys(keys: readonly Key[]): KeyGroups {
  const retiring = keys.filter(({ state }) => state === "retiring");
  const ended = keys.filter((key) => !isUsable(key) && key.state !== "disabled");
  const own = keys.filter((key) => !retiring.includes(key) && !ended.includes(key));
  const group = (id: string, label: string, isOpenAtFirst: boolean, keys: readonly Key[]): KeyGroup[] =>
    keys.length === 0 ? [] : [{ id, label, isOpenAtFirst, accessibilityLabel: `${label} keys, ${keys.length}`, keys }];
  return {
    own,
    groups: [
      ...group("group retiring", "Retiring", true, retiring),
      // Alone they are all there is to see.
      ...group("group ended", "Ended", own.length + retiring.length === 0, ended),
    ],
  };
}
