import { UserError } from "../base/errors.ts";
import type { FileRecipe } from "./configured-file.ts";
import { isSame, withSettings } from "./settings.ts";
import type { JsonObject, Setting, SettingsFormat } from "./settings.ts";

// `NAME=value`, a line a variable, as tools read it with the package `dotenv`. Lines that are something else are kept.

const line = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(.*?)[ \t]*$/;

/** The key in such a file, for a tool that takes it from there, and what the tool needs beside it. */
export function createKeyFile(
  file: string,
  folder: string | undefined,
  name: string,
  beside: Readonly<Record<string, string>> = {},
): FileRecipe {
  return {
    file,
    name: "key",
    folder,
    format: createEnvFile(file),
    moving: [name, ...Object.keys(beside)].map((variable) => [variable]),
    holdsKey: true,
    wanted: (_, key) => [
      { path: [name], value: key, isSecret: true },
      ...Object.entries(beside).map(([variable, value]) => ({ path: [variable], value })),
    ],
  };
}

/** A file of environment variables. `file` is what a message calls the file. */
export function createEnvFile(file: string): SettingsFormat {
  return {
    read: async (text) => readVariables(text),
    async edit(text, settings) {
      const edited = settings.reduce(editOne, text);
      if (isSame(readVariables(edited), withSettings(readVariables(text), settings))) return edited;
      throw new UserError(
        `${file} could not be changed without touching other lines, so it was left as it is. Put each variable on a line of its own and try again.`,
      );
    },
  };
}

/** A line begins a variable unless it lies within the quotes of one before. */
interface Line {
  readonly name: string | undefined;
  readonly start: number;
  /** With its line ending. */
  readonly end: number;
  readonly value: string;
}

function* linesOf(text: string): Generator<Line> {
  for (let start = 0; start < text.length;) {
    let end = endOfLine(text, start);
    const [, name, raw = ""] = line.exec(text.slice(start, end).replace(/\r?\n$/, "")) ?? [];
    const quote = /^["'`]/.exec(raw)?.[0];
    if (name !== undefined && quote !== undefined) {
      const opening = text.indexOf(quote, text.indexOf("=", start));
      const closing = closingQuote(text, opening, quote);
      if (closing !== undefined) {
        end = endOfLine(text, closing);
        const inside = text.slice(opening + 1, closing);
        const value = quote === '"' ? inside.replaceAll("\\n", "\n").replaceAll("\\r", "\r") : inside;
        yield { name, start, end, value };
        start = end;
        continue;
      }
    }
    yield { name, start, end, value: raw.replace(/[ \t]*#.*$/, "") };
    start = end;
  }
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf("\n", start);
  return end < 0 ? text.length : end + 1;
}

function closingQuote(text: string, opening: number, quote: string): number | undefined {
  for (let place = opening + 1; place < text.length; place++) {
    if (text[place] === "\\") place++;
    else if (text[place] === quote) return place;
  }
  return undefined;
}

function readVariables(text: string): JsonObject {
  return Object.fromEntries(
    [...linesOf(text)].flatMap(({ name, value }) => (name === undefined ? [] : [[name, value]])),
  );
}

function editOne(text: string, { path, value }: Setting): string {
  const [name] = path;
  if (typeof name !== "string" || (value !== undefined && typeof value !== "string")) return text;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const own = [...linesOf(text)].filter((line) => line.name === name);
  // The last one counts, so it is the one that changes; taking the variable out takes all.
  const last = own.at(-1);
  if (value === undefined) {
    return own.reduceRight((held, { start, end }) => {
      // Where the last line had no ending, the one before it goes back to having none.
      const isUnended = end === held.length && !held.endsWith("\n");
      return held.slice(0, isUnended ? held.slice(0, start).replace(/\r?\n$/, "").length : start) + held.slice(end);
    }, text);
  }
  if (last !== undefined) {
    const line = text.slice(last.start, last.end);
    const [before = ""] = /^[^=]*=[ \t]*/.exec(line) ?? [];
    const [ending = ""] = /\r?\n$/.exec(line) ?? [];
    const written = quoted(value, /^["']/.exec(line.slice(before.length))?.[0]);
    return `${text.slice(0, last.start)}${before}${written}${ending}${text.slice(last.end)}`;
  }
  const written = quoted(value);
  if (text === "") return `${name}=${written}\n`;
  return text.endsWith("\n") ? `${text}${name}=${written}${eol}` : `${text}${eol}${name}=${written}`;
}

/** In the quotes that stood there, so that putting the value back puts every byte back. */
function quoted(value: string, present = ""): string {
  if (/^[A-Za-z0-9_@%+:,./~-]*$/.test(value)) return present + value + present;
  const quote = ["'", "`"].find((candidate) => !value.includes(candidate)) ?? '"';
  return `${quote}${value}${quote}`;
}
