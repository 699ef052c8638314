import { UserError } from "../base/errors.ts";
import { isSame, withSettings } from "./settings.ts";
import type { JsonObject, Setting, SettingsFormat } from "./settings.ts";

// A script of the person's own, in which one block of lines between two marks is ours. What is around it is not read.

const opening = "# >>> OpenRouter Keys, which also takes this block away >>>";
const closing = "# <<< OpenRouter Keys <<<";
/** A line that is one of the two, with its ending. */
const mark = new RegExp(`^(${opening}|${closing})(?:\\r?\\n|$(?!\\n))`, "gm");

/** Where the block stands, for what is brought up to date. */
export const blockPath = ["block"] as const;

/** The lines of our block, without the marks and without a line ending at the end. */
export function block(lines: readonly string[]): Setting {
  return { path: blockPath, value: lines.join("\n") };
}

/** A script with our block. `file` is what a message calls the file. */
export function createMarkedBlock(file: string): SettingsFormat {
  const unclear = (): UserError =>
    new UserError(
      `${file} holds a mark of OpenRouter Keys without its other one, so it was left as it is. Take the line out and try again.`,
    );

  function split(text: string): Parts {
    const eol = text.includes("\r\n") ? "\r\n" : "\n";
    const marks = [...text.matchAll(mark)];
    if (marks.length === 0) return { before: text, block: undefined, after: "", eol };
    const [first, second] = marks;
    if (marks.length !== 2 || first?.[1] !== opening || second?.[1] !== closing) throw unclear();
    return {
      before: text.slice(0, first.index),
      block: text
        .slice(first.index + first[0].length, second.index)
        .replaceAll("\r\n", "\n")
        .replace(/\n$/, ""),
      after: text.slice(second.index + second[0].length),
      eol,
    };
  }

  return {
    read: async (text) => valuesOf(split(text)),
    async edit(text, settings) {
      const parts = split(text);
      const values = valuesOf(parts);
      const wanted = withSettings(values, settings);
      const { block: lines } = wanted;
      const edited = typeof lines === "string" ? withBlock(text, parts, lines) : withoutBlock(text, parts);
      if (isSame(valuesOf(split(edited)), wanted)) return edited;
      throw unclear();
    },
  };
}

interface Parts {
  readonly before: string;
  readonly block: string | undefined;
  readonly after: string;
  readonly eol: string;
}

/** What is the person's own counts as one value, so that a file with something of theirs in it is not taken away. */
function valuesOf({ before, block: lines, after }: Parts): JsonObject {
  const rest = (before + after).replaceAll(/\r?\n/g, "\n").trimEnd();
  return { ...(rest !== "" && { rest }), ...(lines !== undefined && { block: lines }) };
}

/** At the end, where it wins over what was set before. A last line without an ending stays the one without. */
function withBlock(text: string, { before, block: present, after, eol }: Parts, lines: string): string {
  const own = [opening, ...lines.split("\n"), closing].join(eol);
  if (present !== undefined) return `${before}${own}${after === "" && !text.endsWith("\n") ? "" : eol}${after}`;
  if (text === "" || text.endsWith("\n")) return `${text}${own}${eol}`;
  return `${text}${eol}${own}`;
}

function withoutBlock(text: string, { before, after }: Parts): string {
  return after === "" && !text.endsWith("\n") ? before.replace(/\r?\n$/, "") : before + after;
}
