import { isMap, isNode, isScalar, isSeq, parseAllDocuments, stringify } from "yaml";
import type { YAMLMap, YAMLSeq } from "yaml";
import { UserError } from "../base/errors.ts";
import { isSame, JsonObject, withSettings, wrap } from "./settings.ts";
import type { Json, Segment, Setting, SettingsFormat } from "./settings.ts";

// The package `yaml` says where each value stands; the text itself is changed only there, since writing the document anew
// would lay out the rest of it differently.

/** YAML with one document, a mapping at its root. `file` is what a message calls the file. */
export function createYaml(file: string): SettingsFormat {
  const left = (why: string, remedy: string): UserError =>
    new UserError(`${file} ${why}, so it was left as it is. ${remedy} and try again.`);

  function parse(text: string): { readonly root: unknown; readonly values: JsonObject } {
    const documents = parseAllDocuments(text);
    const document = documents[0];
    if (document === undefined) return { root: undefined, values: {} };
    if (documents.length > 1) throw left("holds several documents", "Keep one of them");
    if (document.errors.length > 0) throw left("is not valid YAML", "Mend it");
    const value: unknown = document.toJS();
    if (value === null) return { root: undefined, values: {} };
    const parsed = JsonObject.safeParse(value);
    if (!parsed.success) throw left("holds no settings", "Mend it");
    return { root: document.contents, values: parsed.data };
  }

  return {
    read: async (text) => parse(text).values,
    async edit(text, settings) {
      const unsafe = left(
        "is laid out in a way that cannot be changed safely",
        "Put each setting on a line of its own",
      );
      const wanted = withSettings(parse(text).values, settings);
      let edited = text;
      for (const setting of settings) {
        // What one setting has broken, the next must not be told of as the person's own fault.
        const read = readQuietly(edited);
        if (read === undefined) throw unsafe;
        edited = editOne(edited, read.root, setting);
      }
      if (isSame(readQuietly(edited)?.values, wanted)) return edited;
      throw unsafe;
    },
  };

  function readQuietly(text: string): ReturnType<typeof parse> | undefined {
    try {
      return parse(text);
    } catch {
      return undefined;
    }
  }
}

/** A member of a mapping or an item of a list, with its place in the text. */
interface Child {
  readonly segment: Segment;
  /** Where its name or its dash stands. */
  readonly start: number;
  /** Where its content ends; a comment behind it comes later. */
  readonly end: number;
  readonly value: unknown;
}

interface Holder {
  readonly node: YAMLMap | YAMLSeq;
  readonly children: readonly Child[];
}

function editOne(text: string, root: unknown, { path, value }: Setting): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  let holder = holderOf(text, root);
  if (holder === undefined || (holder.children.length === 0 && value !== undefined)) {
    if (value === undefined) return text;
    const [start, end] = holder?.node.range ?? [text.length, text.length];
    return insertLine(text.slice(0, start) + text.slice(end), start, render(wrap(path, value), "", eol), eol);
  }
  for (const [depth, segment] of path.entries()) {
    const rest = path.slice(depth + 1);
    const child = holder.children.find((candidate) => isChild(candidate, segment));
    if (child === undefined) {
      return value === undefined ? text : withChild(text, holder, bodyOf(segment, wrap(rest, value)), eol);
    }
    if (rest.length === 0 && value === undefined) return withoutChild(text, holder, child, holder.node === root);
    const next = holderOf(text, child.value);
    if (rest.length > 0 && next !== undefined && (next.children.length > 0 || value === undefined)) {
      holder = next;
      continue;
    }
    // The child is replaced as a whole; also where nothing stands in it yet, as in `models:` alone.
    return value === undefined ? text : withValue(text, child, segment, wrap(rest, value), eol);
  }
  return text;
}

function isChild({ segment, value }: Child, wanted: Segment): boolean {
  if (typeof wanted === "string") return segment === wanted;
  return isMap(value) && Object.entries(wanted.item).every(([name, held]) => value.get(name) === held);
}

function holderOf(text: string, node: unknown): Holder | undefined {
  if (isMap(node)) {
    const children = node.items.flatMap(({ key, value }): Child[] => {
      if (!isScalar(key)) return [];
      const [start = 0, keyEnd = 0] = key.range ?? [];
      return [{ segment: String(key.value), start, end: Math.max(contentEnd(value), keyEnd), value }];
    });
    return { node, children };
  }
  if (!isSeq(node)) return undefined;
  const children = node.items.map((value): Child => {
    const start = (isNode(value) ? value.range?.[0] : undefined) ?? 0;
    const dash = node.flow === true ? start : text.lastIndexOf("-", start - 1);
    return { segment: { item: {} }, start: dash, end: contentEnd(value), value };
  });
  return { node, children };
}

/** The end of what is written, without the white space and comments that follow and count as part of a collection. */
function contentEnd(node: unknown): number {
  if (isMap(node) && node.flow !== true && node.items.length > 0) {
    const last = node.items.at(-1);
    return Math.max(contentEnd(last?.value), contentEnd(last?.key));
  }
  if (isSeq(node) && node.flow !== true && node.items.length > 0) return contentEnd(node.items.at(-1));
  return (isNode(node) ? node.range?.[1] : undefined) ?? 0;
}

/** What a child is without its place: `{ name: value }`, or a list of the one item. */
function bodyOf(segment: Segment, value: Json): Json {
  return typeof segment === "string" ? { [segment]: value } : [value];
}

function withChild(text: string, { node, children }: Holder, body: Json, eol: string): string {
  const last = children.at(-1);
  if (last === undefined) return text;
  if (node.flow === true) {
    return `${text.slice(0, last.end)}, ${JSON.stringify(body).slice(1, -1)}${text.slice(last.end)}`;
  }
  return insertLine(text, last.end, render(body, " ".repeat(columnOf(text, last.start)), eol), eol);
}

function withValue(text: string, { start, end, value: present }: Child, segment: Segment, value: Json, eol: string) {
  if (isScalar(present) && typeof value !== "object" && present.range?.[0] !== present.range?.[1]) {
    return text.slice(0, present.range?.[0]) + render(value, "", eol) + text.slice(end);
  }
  const rendered = render(bodyOf(segment, value), " ".repeat(columnOf(text, start)), eol).trimStart();
  // A comment on the name's own line stays behind it.
  return text.slice(0, start) + rendered + text.slice(endOfColon(text, end));
}

/** An absent value ends with its name: the colon goes with it. */
function endOfColon(text: string, end: number): number {
  return end + (/^[ \t]*:/.exec(text.slice(end))?.[0].length ?? 0);
}

function withoutChild(text: string, { node, children }: Holder, child: Child, isAtRoot: boolean): string {
  const index = children.indexOf(child);
  const [before, after] = [children[index - 1], children[index + 1]];
  if (node.flow === true) {
    const [start, end] = before === undefined ? [child.start, after?.start ?? child.end] : [before.end, child.end];
    return text.slice(0, start) + text.slice(end);
  }
  const lineStart = text.lastIndexOf("\n", child.start - 1) + 1;
  // The first member of a list's item shares its line with the dash.
  if (text.slice(lineStart, child.start).trim() !== "") return text;
  const lineEnd = endOfLine(text, endOfColon(text, child.end));
  if (children.length === 1 && !isAtRoot) {
    // Nothing at all would be no empty list, but no value. A comment in between keeps it on its own line.
    const head = text.slice(0, lineStart).trimEnd();
    const start = head.endsWith(":") ? `${head} ` : text.slice(0, child.start);
    const ending = /\r?\n$/.exec(text.slice(child.end, lineEnd))?.[0] ?? "";
    return `${start}${isSeq(node) ? "[]" : "{}"}${ending}${text.slice(lineEnd)}`;
  }
  if (lineEnd < text.length || text.endsWith("\n")) return text.slice(0, lineStart) + text.slice(lineEnd);
  return text.slice(0, lineStart).replace(/\r?\n$/, "");
}

/** After the line of this place. A last line without an ending stays the one without. */
function insertLine(text: string, place: number, lines: string, eol: string): string {
  const end = endOfLine(text, place);
  if (text === "" || text.slice(0, end).endsWith("\n")) return `${text.slice(0, end)}${lines}${eol}${text.slice(end)}`;
  return `${text.slice(0, end)}${eol}${lines}${text.slice(end)}`;
}

/** A block of text ends with its line. */
function endOfLine(text: string, place: number): number {
  if (place > 0 && text[place - 1] === "\n") return place;
  const end = text.indexOf("\n", place);
  return end < 0 ? text.length : end + 1;
}

function columnOf(text: string, place: number): number {
  return place - (text.lastIndexOf("\n", place - 1) + 1);
}

function render(value: Json, indent: string, eol: string): string {
  const lines = stringify(value, { lineWidth: 0 }).trimEnd().split("\n");
  return lines.map((line) => indent + line).join(eol);
}
