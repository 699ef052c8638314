import { withSettings } from "./settings.ts";
import type { Setting, SettingsFormat } from "./settings.ts";

/** A file that is ours as a whole. Its text is its one value, so that a file that stood there is put back by undo. */
export const wholeFile: SettingsFormat = {
  read: async (text) => ({ text }),
  async edit(text, settings) {
    const { text: edited } = withSettings({ text }, settings);
    return typeof edited === "string" ? edited : "";
  },
};

/** The one setting of such a file. */
export function wholeText(text: string): Setting {
  return { path: ["text"], value: text };
}

/** Where it stands, for what is brought up to date. */
export const wholeTextPath = ["text"] as const;
