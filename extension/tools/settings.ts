import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";

export const Json = z.json();
export type Json = z.infer<typeof Json>;
export const JsonObject = z.record(z.string(), Json);
export type JsonObject = z.infer<typeof JsonObject>;

/** One value of a tool's configuration file; undefined says that there is to be none. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: Json | undefined;
}

/** How a tool's file is read and edited. Both throw a UserError when the text cannot be used. */
export interface SettingsFormat {
  read(text: string, signal?: AbortSignal): Promise<JsonObject>;
  /** The text with these settings and all else as it was: order, comments, indentation, line endings. */
  edit(text: string, settings: readonly Setting[], signal?: AbortSignal): Promise<string>;
}

export function valueAt(root: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = root;
  for (const name of path) {
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

/** The longest part of the path that holds something other than an object, so that nothing can be put below it. */
export function obstacleOn(root: Json, path: readonly string[]): readonly string[] | undefined {
  for (let length = 0; length < path.length; length++) {
    const value = valueAt(root, path.slice(0, length));
    if (value !== undefined && !isObject(value)) return path.slice(0, length);
  }
  return undefined;
}

/** The containers of a path that are not there yet, outermost first. */
export function missingContainers(root: Json, path: readonly string[]): readonly (readonly string[])[] {
  return path
    .slice(0, -1)
    .map((_, index) => path.slice(0, index + 1))
    .filter((container) => valueAt(root, container) === undefined);
}

export function withSettings(root: JsonObject, settings: readonly Setting[]): JsonObject {
  const copy = structuredClone(root);
  for (const { path, value } of settings) {
    let container: JsonObject = copy;
    for (const name of path.slice(0, -1)) {
      const inner = Object.hasOwn(container, name) ? container[name] : undefined;
      const next: JsonObject = isObject(inner) ? inner : {};
      if (inner !== next && value !== undefined) container[name] = next;
      container = next;
    }
    const name = path.at(-1) ?? "";
    if (value === undefined) delete container[name];
    else container[name] = value;
  }
  return copy;
}

export function isSame(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(left, right);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
