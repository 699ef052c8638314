import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";

export const Json = z.json();
export type Json = z.infer<typeof Json>;
export const JsonObject = z.record(z.string(), Json);
export type JsonObject = z.infer<typeof JsonObject>;

/** The item of a list that has these values, wherever it stands. */
export interface ListItem {
  readonly item: Readonly<Record<string, string>>;
}

/** A member of an object by its name, or an item of a list by what is in it. */
export type Segment = string | ListItem;
export type Path = readonly Segment[];

/** One value of a tool's configuration file; undefined says that there is to be none. */
export interface Setting {
  readonly path: Path;
  readonly value: Json | undefined;
  /** The key itself: never shown, and needed before anything is written. */
  readonly isSecret?: boolean;
  /** The tool writes another one there itself: undo takes it out when nothing else is left beside it. */
  readonly isVolatile?: boolean;
}

/** How a tool's file is read and edited. Both throw a UserError when the text cannot be used. */
export interface SettingsFormat {
  read(text: string, signal?: AbortSignal): Promise<JsonObject>;
  /** The text with these settings and all else as it was: order, comments, indentation, line endings. */
  edit(text: string, settings: readonly Setting[], signal?: AbortSignal): Promise<string>;
}

/** Where in the file, for people: `env.ANTHROPIC_BASE_URL`, `models.OpenRouter`. */
export function dotted(path: Path): string {
  return path.map((segment) => (typeof segment === "string" ? segment : Object.values(segment.item)[0])).join(".");
}

function holds(value: Json, { item }: ListItem): boolean {
  return isObject(value) && Object.entries(item).every(([name, wanted]) => value[name] === wanted);
}

/** The place of the item in the list; the list's length when it is not there. */
export function placeIn(list: readonly Json[], item: ListItem): number {
  const place = list.findIndex((value) => holds(value, item));
  return place < 0 ? list.length : place;
}

function step(value: Json | undefined, segment: Segment): Json | undefined {
  if (typeof segment !== "string") return Array.isArray(value) ? value[placeIn(value, segment)] : undefined;
  return isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

export function valueAt(root: Json, path: Path): Json | undefined {
  return path.reduce<Json | undefined>(step, root);
}

/** What stands there stays; the value is for where nothing does. */
export function keeping(current: JsonObject, path: Path, value: Json): Setting {
  return { path, value: valueAt(current, path) ?? value };
}

/** The longest part of the path that holds something else than what is to be put below it. */
export function obstacleOn(root: Json, path: Path): Path | undefined {
  for (const [length, segment] of path.entries()) {
    const value = valueAt(root, path.slice(0, length));
    if (value === undefined) return undefined;
    if (typeof segment === "string" ? !isObject(value) : !Array.isArray(value)) return path.slice(0, length);
  }
  return undefined;
}

/** The containers of a path that are not there yet, outermost first. */
export function missingContainers(root: Json, path: Path): readonly Path[] {
  return path
    .slice(0, -1)
    .map((_, index) => path.slice(0, index + 1))
    .filter((container) => valueAt(root, container) === undefined);
}

/** What the segments make around a value: objects, and lists of one item. */
export function wrap(path: Path, value: Json): Json {
  return path.reduceRight<Json>((held, segment) => (typeof segment === "string" ? { [segment]: held } : [held]), value);
}

export function withSettings(root: JsonObject, settings: readonly Setting[]): JsonObject {
  return settings.reduce((held, { path, value }) => {
    const changed = withValue(held, path, value);
    return isObject(changed) ? changed : held;
  }, root);
}

function withValue(root: Json | undefined, path: Path, value: Json | undefined): Json | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  const inner = withValue(step(root, first), rest, value);
  if (typeof first === "string") {
    const members = isObject(root) ? root : {};
    if (inner !== undefined) return { ...members, [first]: inner };
    return root === undefined
      ? undefined
      : Object.fromEntries(Object.entries(members).filter(([name]) => name !== first));
  }
  const items = Array.isArray(root) ? root : [];
  const place = placeIn(items, first);
  if (inner !== undefined) return [...items.slice(0, place), inner, ...items.slice(place + 1)];
  return root === undefined ? undefined : items.toSpliced(place, 1);
}

export function isSame(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(left, right);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
