import assert from "node:assert/strict";
import { editJson } from "../../../extension/tools/json-edit.ts";
import { valueAt, withSettings } from "../../../extension/tools/settings.ts";
import type { Json, JsonObject, Setting } from "../../../extension/tools/settings.ts";
import { createJsonWithComments } from "../../../extension/tools/json-file.ts";
import { createChance, difference } from "./chance.ts";
import type { Chance } from "./chance.ts";

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

  it("keeps comments, trailing commas and list items, and takes out what it added, in 3000 documents", async () => {
    const format = createJsonWithComments("settings.json");
    for (let seed = 1; seed <= 3000; seed++) {
      const { below, pick } = createChance(seed);
      const comment = (): string => pick("", "", ` // note, ${seed}`, " /* a } */");
      const above = (): string => pick("", "", "  // above\n");
      const items = ["x", "y"].slice(0, below(3)).map((id) => `\n    { "id": "${id}" }`);
      const list = `[${items.join(",")}${items.length > 0 ? `${pick("", ",")}${comment()}\n  ` : ""}]`;
      const members = [
        `"a": 1`,
        `"env": {\n    "k": "v"${pick("", ",")}${comment()}\n  }`,
        `"list": ${list}`,
        `"s": "}/ no"`,
      ].filter(() => below(3) > 0);
      const lines = members.map((member, index) => {
        const comma = index < members.length - 1 ? "," : pick("", ",");
        return `${above()}  ${member}${comma}${comment()}\n`;
      });
      const lf = `${pick("", "// top\n")}{${lines.length > 0 ? `${comment()}\n` : ""}${lines.join("")}}${pick("", "\n")}`;
      const text = below(3) === 0 ? lf.replaceAll("\n", "\r\n") : lf;
      const path = pick<Setting["path"]>(["new"], ["env", "new"], ["list", { item: { id: "or" } }]);
      const settings: readonly Setting[] = [{ path, value: pick<Json>({ id: "or", n: { m: [] } }) }];

      const before = await format.read(text);
      const edited = await format.edit(text, settings);
      const why = `seed ${seed}:\n${text}\n=>\n${edited}`;
      assert.deepStrictEqual(await format.read(edited), withSettings(before, settings), why);
      assert.deepStrictEqual(edited.match(/\/\/[^\r\n]*|\/\*.*?\*\//g), text.match(/\/\/[^\r\n]*|\/\*.*?\*\//g), why);
      if (text.includes("\r\n")) assert.doesNotMatch(edited, /[^\r]\n/, why);
      const isContained = path.length === 1 || valueAt(before, path.slice(0, 1)) !== undefined;
      const back = await format.edit(edited, [{ path: isContained ? path : path.slice(0, 1), value: undefined }]);
      assert.equal(back, text, why);
    }
  });

  it("touches only the value where a value is replaced", () => {
    const text = `{"a" :\t"old" ,"b":[ 1,2 ] }`;
    assert.equal(editJson(text, [{ path: ["a"], value: "new" }]), `{"a" :\t"new" ,"b":[ 1,2 ] }`);
  });
});

function isContainer(value: Json | undefined): boolean {
  return value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value));
}
