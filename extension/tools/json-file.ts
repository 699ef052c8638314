import { parse as parseJsonc } from "jsonc-parser";
import type { ParseError } from "jsonc-parser";
import { UserError } from "../base/errors.ts";
import { editJson } from "./json-edit.ts";
import { isSame, JsonObject, withSettings } from "./settings.ts";
import type { SettingsFormat } from "./settings.ts";

/** Strict JSON, for a tool that knows no comments. `file` is what a message calls the file. */
export function createStrictJson(file: string): SettingsFormat {
  return createJson(file, "Mend it (it takes no comments)", (text): unknown => JSON.parse(text));
}

/** JSON with comments and trailing commas, for a tool that takes them. */
export function createJsonWithComments(file: string): SettingsFormat {
  return createJson(file, "Mend it", (text): unknown => {
    const errors: ParseError[] = [];
    const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
    if (errors.length > 0) throw new Error("The text is not JSON.");
    return value;
  });
}

function createJson(file: string, remedy: string, parseText: (text: string) => unknown): SettingsFormat {
  const unreadable = (): UserError =>
    new UserError(`${file} is not valid JSON, so it was left as it is. ${remedy} and try again.`);

  function parse(text: string): JsonObject {
    let value: unknown;
    try {
      value = parseText(text);
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
