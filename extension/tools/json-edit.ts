import { findNodeAtLocation, parseTree } from "jsonc-parser";
import type { Node } from "jsonc-parser";
import type { Json, Setting } from "./settings.ts";

// The smallest text edit of strict JSON: whatever is not set or deleted keeps its bytes.

/** The text must be strict JSON with an object at its root and no member twice. Pure. */
export function editJson(text: string, settings: readonly Setting[]): string {
  return settings.reduce(editOne, text);
}

function editOne(text: string, { path, value }: Setting): string {
  const root = parseTree(text);
  if (root === undefined) throw new Error("The text is not JSON.");
  const present = findNodeAtLocation(root, [...path]);
  const style = styleOf(text);

  if (value === undefined) return present?.parent === undefined ? text : withoutMember(text, present.parent);
  if (present !== undefined) {
    const indent = indentAt(text, present.parent?.offset ?? present.offset);
    return splice(text, present.offset, present.offset + present.length, write(value, style, indent));
  }
  // What is not there is put into the innermost container that is, as one member.
  let depth = path.length - 1;
  while (depth > 0 && findNodeAtLocation(root, path.slice(0, depth)) === undefined) depth--;
  const container = findNodeAtLocation(root, path.slice(0, depth)) ?? root;
  const inner = path.slice(depth + 1).reduceRight<Json>((held, name) => ({ [name]: held }), value);
  return withMember(text, container, path[depth] ?? "", inner, style);
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
    unit: /^\{\s*?\n([ \t]+)/.exec(body)?.[1] ?? "  ",
    isOneLine: !body.includes("\n") && !/^\{\s*\}$/.test(body),
    colon: !body.includes("\n") && /^\{\s*"[^"\\]*":\S/.test(body) ? ":" : ": ",
  };
}

function withMember(text: string, container: Node, name: string, value: Json, style: Style): string {
  const member = (indent: string): string => `${JSON.stringify(name)}${style.colon}${write(value, style, indent)}`;
  const end = container.offset + container.length;
  const last = container.children?.at(-1);

  if (last === undefined) {
    const outer = indentAt(text, container.offset);
    const inside = style.isOneLine
      ? member("")
      : `${style.eol}${outer}${style.unit}${member(outer + style.unit)}${style.eol}${outer}`;
    return splice(text, container.offset + 1, end - 1, inside);
  }
  const isMultiLine = text.slice(container.offset, last.offset).includes("\n");
  const indent = indentAt(text, last.offset);
  const separator = isMultiLine ? `,${style.eol}${indent}` : style.colon === ":" ? "," : ", ";
  const after = last.offset + last.length;
  return splice(text, after, after, `${separator}${member(indent)}`);
}

function withoutMember(text: string, member: Node): string {
  const siblings = member.parent?.children ?? [];
  const index = siblings.indexOf(member);
  const [before, after] = [siblings[index - 1], siblings[index + 1]];
  if (before !== undefined) return splice(text, before.offset + before.length, member.offset + member.length, "");
  if (after !== undefined) return splice(text, member.offset, after.offset, "");
  const container = member.parent ?? member;
  return splice(text, container.offset + 1, container.offset + container.length - 1, "");
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
