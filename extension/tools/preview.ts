import { isObject } from "./settings.ts";
import type { Json } from "./settings.ts";

/** One file as it is and as set-up would make it, for eyes only: no secret is in it. */
export interface FilePreview {
  readonly file: string;
  /** Empty where there is no file. */
  readonly before: string;
  readonly after: string;
}

/** Stands in for the key while a preview is made: shaped like one, so that each format writes it as it writes a key. */
export const stand = "sk-or-v1-stands-for-the-key-in-a-preview";

/** In signs that the editor does not underline as easily confused with others. */
const shownKey = "<the key's secret>";
const shownSecret = "<a secret of yours>";

/** What is a secret wherever it stands. */
const shapes = [
  /\b(?:sk|pk|rk|gsk|xai)-[A-Za-z0-9_-]{8,}/g,
  /\b(?:gh[pousr]_|github_pat_|AIza|AKIA)[A-Za-z0-9_-]{12,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*/g,
  /(?<=\bBearer\s+)[^\s"'${]{6,}/gi,
];

const secretName = /(?:key|token|secret|password|authorization|credential)s?$/i;
/** The name of a variable, a template or a command: it says where the secret is and is none. */
const reference = /^(?:[A-Z][A-Z0-9_]*$|[$!{])/;

/**
 * The file's text without secrets: `keys` are ours, `values` is what the file holds, and `shown` what set-up writes openly.
 * Kinder to eyes than to a reader of the text: what only looks like a secret is hidden too.
 */
export function withoutSecrets(
  text: string,
  { keys, values, shown }: { readonly keys: readonly string[]; readonly values: Json; readonly shown: Json },
): string {
  const open = new Set(stringsOf(shown).map(([, value]) => value));
  const theirs = stringsOf(values)
    .filter(([name, value]) => value.length >= 8 && secretName.test(name) && !reference.test(value) && !open.has(value))
    .flatMap(([, value]) => [value, JSON.stringify(value).slice(1, -1)]);
  const known = keys.reduce((held, key) => held.replaceAll(key, shownKey), text);
  const hidden = theirs
    .filter((value) => !keys.includes(value))
    // The longest first: one may be a part of another.
    .toSorted((left, right) => right.length - left.length)
    .reduce((held, value) => held.replaceAll(value, shownSecret), known);
  return shapes.reduce((held, shape) => held.replaceAll(shape, shownSecret), hidden);
}

/** Every string below a value, with the name that it stands under. */
function stringsOf(value: Json, name = ""): readonly (readonly [name: string, value: string])[] {
  if (typeof value === "string") return [[name, value]];
  if (Array.isArray(value)) return value.flatMap((item) => stringsOf(item, name));
  return isObject(value) ? Object.entries(value).flatMap(([inner, held]) => stringsOf(held, inner)) : [];
}
