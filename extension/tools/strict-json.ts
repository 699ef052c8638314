import { UserError } from "../base/errors.ts";
import { editJson } from "./json-edit.ts";
import { isSame, JsonObject, withSettings } from "./settings.ts";
import type { SettingsFormat } from "./settings.ts";

/** Strict JSON, as a tool that knows no comments reads it. `file` is what a message calls the file. */
export function createStrictJson(file: string): SettingsFormat {
  const unreadable = (): UserError =>
    new UserError(`${file} is not valid JSON, so it was left as it is. Mend it (it takes no comments) and try again.`);

  function parse(text: string): JsonObject {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw unreadable();
    }
    const parsed = JsonObject.safeParse(value);
    if (!parsed.success) throw unreadable();
    return parsed.data;
  }

  return {
    read: async (text) => parse(text),
    async edit(text, settings) {
      const current = text === "" ? {} : parse(text);
      const edited = editJson(text === "" ? "{}\n" : text, settings);
      // A member that stands twice, of which JSON takes the last, is the case where an edit can miss.
      if (isSame(parse(edited), withSettings(current, settings))) return edited;
      throw new UserError(
        `${file} has the same name twice in one place, so it was left as it is. Mend it and try again.`,
      );
    },
  };
}
