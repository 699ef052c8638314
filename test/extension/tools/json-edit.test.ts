import assert from "node:assert/strict";
import { editJson } from "../../../extension/tools/json-edit.ts";
import { valueAt, withSettings } from "../../../extension/tools/settings.ts";
import type { Json, JsonObject, Setting } from "../../../extension/tools/settings.ts";

/** Repeatable chance: the same seed gives the same documents. */
function createChance(seed: number) {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const pick = <T>(first: T, ...others: readonly T[]): T => [first, ...others][below(others.length + 1)] ?? first;
  return { below, pick };
}
type Chance = ReturnType<typeof createChance>;

const names = ["a", "env", 'ü "quoted"', "b"] as const;

function someObject({ below, pick }: Chance, depth = 0): JsonObject {
  const value = (): Json =>
    depth < 2 && below(3) === 0
      ? someObject({ below, pick }, depth + 1)
      : pick<Json>(1, "x", "", null, true, [1, ","], "}{");
  return Object.fromEntries(names.filter(() => below(2) === 0).map((name) => [name, value()]));
}

describe("editing JSON text", () => {
  it("reads as the edited values, and keeps every byte that has nothing to do with them, in 2000 documents", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const chance = createChance(seed);
      const { below, pick } = chance;
      const before = someObject(chance);
      const eol = pick("\n", "\r\n");
      const text = JSON.stringify(before, null, pick<string | number>(0, 2, 4, "\t")).replaceAll("\n", eol);
      const path = [pick(...names), ...(below(2) === 0 ? [pick(...names)] : [])];
      if (path.length === 2 && !isContainer(before[path[0] ?? ""])) continue;
      const settings: readonly Setting[] = [{ path, value: pick<Json | undefined>("new", undefined, { d: "" }) }];

      const edited = editJson(text, settings);
      assert.deepStrictEqual(JSON.parse(edited), withSettings(before, settings), `seed ${seed}: ${text} => ${edited}`);
      if (text.includes("\r\n")) assert.doesNotMatch(edited, /[^\r]\n/, `seed ${seed}`);
      const { removed, inserted } = difference(text, edited);
      const present = valueAt(before, path);
      const isAddition = present === undefined;
      const isRemoval = settings[0]?.value === undefined;
      if (isAddition) assert.match(removed, /^\s*$/, `seed ${seed}: ${text} => ${edited}`);
      if (isRemoval) assert.equal(inserted, "", `seed ${seed}: ${text} => ${edited}`);
      if (!isAddition && !isRemoval && typeof present !== "object") {
        assert.ok(removed.length <= JSON.stringify(present).length, `seed ${seed}: ${text} => ${edited}`);
      }
    }
  });

  it("gives back the same text when what it added is taken out again", () => {
    const texts = [
      `{\n  "a": 1\n}\n`,
      `{"a":1}`,
      `{ "a": 1 }`,
      `{\r\n\t"a": {\r\n\t\t"b": 2\r\n\t}\r\n}`,
      `{}`,
      `{"a":{}}`,
    ];
    for (const text of texts) {
      const added = editJson(text, [{ path: ["new"], value: { x: [1] } }]);
      assert.notEqual(added, text);
      assert.equal(editJson(added, [{ path: ["new"], value: undefined }]), text);
    }
  });

  it("touches only the value where a value is replaced", () => {
    const text = `{"a" :\t"old" ,"b":[ 1,2 ] }`;
    assert.equal(editJson(text, [{ path: ["a"], value: "new" }]), `{"a" :\t"new" ,"b":[ 1,2 ] }`);
  });
});

/** What the one place where the texts differ had before, and has afterwards. */
function difference(before: string, after: string): { readonly removed: string; readonly inserted: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return { removed: before.slice(start, before.length - end), inserted: after.slice(start, after.length - end) };
}

function isContainer(value: Json | undefined): boolean {
  return value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value));
}
