import { findNodeAtLocation, parseTree } from "jsonc-parser";
import type { Node } from "jsonc-parser";
import { wrap } from "./settings.ts";
import type { Json, ListItem, Path, Setting } from "./settings.ts";

// The smallest text edit of JSON, with comments and trailing commas where the tool takes them: whatever is not set or
// deleted keeps its bytes.

/** The text must have an object at its root and no member twice. Pure. */
export function editJson(text: string, settings: readonly Setting[]): string {
  return settings.reduce(editOne, text);
}

function editOne(text: string, { path, value }: Setting): string {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (root === undefined) throw new Error("The text is not JSON.");
  const style = styleOf(text);
  // What is not there is put into the innermost container that is, as one member.
  let [holder, depth] = [root, 0];
  for (let next = childAt(root, path[0]); next !== undefined; next = childAt(holder, path[depth])) {
    [holder, depth] = [next, depth + 1];
    if (depth === path.length) break;
  }

  if (depth < path.length) {
    return value === undefined ? text : withChild(text, holder, path.slice(depth), value, style);
  }
  if (value === undefined) {
    const member = holder.parent?.type === "property" ? holder.parent : holder;
    return member.parent === undefined ? text : withoutChild(text, member);
  }
  const indent = indentAt(text, holder.parent?.offset ?? holder.offset);
  return splice(text, holder.offset, holder.offset + holder.length, write(value, style, indent));
}

function childAt(node: Node, segment: Path[number] | undefined): Node | undefined {
  if (segment === undefined) return undefined;
  if (typeof segment === "string") return node.type === "object" ? findNodeAtLocation(node, [segment]) : undefined;
  return node.type === "array" ? node.children?.find((child) => isItem(child, segment)) : undefined;
}

function isItem(node: Node, { item }: ListItem): boolean {
  return (
    node.type === "object" &&
    Object.entries(item).every(([name, wanted]) => findNodeAtLocation(node, [name])?.value === wanted)
  );
}

interface Style {
  readonly eol: string;
  readonly unit: string;
  /** The whole document stands on one line, and stays there. */
  readonly isOneLine: boolean;
  readonly colon: string;
}

function styleOf(text: string): Style {
  const body = text.trim();
  return {
    eol: text.includes("\r\n") ? "\r\n" : "\n",
    unit: /^\{\s*?\n([ \t]+)/m.exec(body)?.[1] ?? "  ",
    isOneLine: !body.includes("\n") && !/^\{\s*\}$/.test(body),
    colon: !body.includes("\n") && /^\{\s*"[^"\\]*":\S/.test(body) ? ":" : ": ",
  };
}

function withChild(text: string, container: Node, [first = "", ...rest]: Path, value: Json, style: Style): string {
  const inner = wrap(rest, value);
  const name = typeof first === "string" ? `${JSON.stringify(first)}${style.colon}` : "";
  const child = (indent: string): string => `${name}${write(inner, style, indent)}`;
  const end = container.offset + container.length;
  const last = container.children?.at(-1);

  if (last === undefined) {
    const outer = indentAt(text, container.offset);
    const isBare = text.slice(container.offset + 1, end - 1).trim() === "";
    if (style.isOneLine && isBare) return splice(text, container.offset + 1, end - 1, child(""));
    // Comments that stand alone in it stay before what is put in.
    const start = isBare ? container.offset + 1 : text.slice(0, end - 1).trimEnd().length;
    const inside = `${style.eol}${outer}${style.unit}${child(outer + style.unit)}${style.eol}${outer}`;
    return splice(text, start, end - 1, inside);
  }

  const after = last.offset + last.length;
  const comma = commaAfter(text, after, end - 1);
  const [mark, trailing] = comma === undefined ? [",", ""] : ["", ","];
  if (!text.slice(container.offset, last.offset).includes("\n")) {
    const place = comma ?? after;
    const separator = style.colon === ":" ? mark : `${mark} `;
    return splice(text, place, place, `${separator}${child(indentAt(text, last.offset))}${trailing}`);
  }
  const indent = indentAt(text, last.offset);
  const place = endOfLine(text, comma ?? after, end - 1);
  const line = `${style.eol}${indent}${child(indent)}${trailing}`;
  return text.slice(0, after) + mark + text.slice(after, place) + line + text.slice(place);
}

function withoutChild(text: string, child: Node): string {
  const container = child.parent ?? child;
  const siblings = container.children ?? [];
  const index = siblings.indexOf(child);
  const [before, after] = [siblings[index - 1], siblings[index + 1]];
  const limit = container.offset + container.length - 1;
  const end = child.offset + child.length;
  const comma = commaAfter(text, end, limit);

  if (before === undefined && after === undefined) {
    const [start, stop] = [container.offset + 1, comma ?? end];
    const others = text.slice(start, child.offset) + text.slice(stop, limit);
    if (others.trim() === "") return splice(text, start, limit, "");
    return splice(text, text.slice(0, child.offset).trimEnd().length, stop, "");
  }
  const lineStart = text.lastIndexOf("\n", child.offset - 1) + 1;
  const isOnOwnLine = text.slice(lineStart, child.offset).trim() === "" && lineStart > 0;
  if (!isOnOwnLine) {
    if (before === undefined) return splice(text, child.offset, after?.offset ?? end, "");
    // Its own comma stays as the one that follows what was before it.
    const start = commaAfter(text, before.offset + before.length, limit) ?? before.offset + before.length;
    return comma === undefined ? splice(text, before.offset + before.length, end, "") : splice(text, start, comma, "");
  }
  const start = text.slice(0, lineStart).replace(/\r?\n$/, "").length;
  const rest = splice(text, start, comma ?? end, "");
  if (comma !== undefined || before === undefined) return rest;
  const previous = commaAfter(text, before.offset + before.length, child.offset);
  return previous === undefined ? rest : splice(rest, previous - 1, previous, "");
}

/** The place after the comma that follows, comments skipped; undefined when none does. */
function commaAfter(text: string, start: number, limit: number): number | undefined {
  const between = /^(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/.exec(text.slice(start, limit))?.[0] ?? "";
  const place = start + between.length;
  return place < limit && text[place] === "," ? place + 1 : undefined;
}

/** The end of this line's comments when nothing else follows there, else this place. */
function endOfLine(text: string, start: number, limit: number): number {
  const comments = /^(?:[ \t]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/))+(?=[ \t]*\r?\n)/.exec(text.slice(start, limit));
  return start + (comments?.[0].length ?? 0);
}

function write(value: Json, style: Style, indent: string): string {
  if (style.isOneLine) {
    const compact = JSON.stringify(value);
    return style.colon === ":" ? compact : spaced(value);
  }
  return JSON.stringify(value, null, style.unit).replaceAll("\n", style.eol + indent);
}

/** `{"a": 1, "b": 2}`: one line with a space after each colon and comma. */
function spaced(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, held]) => `${JSON.stringify(name)}: ${spaced(held)}`)
    .join(", ")}}`;
}

/** The white space that the line of this place begins with. */
function indentAt(text: string, offset: number): string {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, offset))?.[0] ?? "";
}

function splice(text: string, start: number, end: number, inside: string): string {
  return text.slice(0, start) + inside + text.slice(end);
}
