import assert from "node:assert/strict";
import { stringify } from "yaml";
import { UserError } from "../../../extension/base/errors.ts";
import { valueAt, withSettings } from "../../../extension/tools/settings.ts";
import type { Json, JsonObject, Setting } from "../../../extension/tools/settings.ts";
import { createYaml } from "../../../extension/tools/yaml-file.ts";
import { createChance, difference } from "./chance.ts";
import type { Chance } from "./chance.ts";

const yaml = createYaml("~/config.yaml");
const ours = { item: { name: "OpenRouter" } } as const;
const item = { name: "OpenRouter", provider: "openrouter", roles: ["chat", "edit"] };

/** A document as people write them: comments on lines of their own and behind values, blank lines, either line ending. */
function someDocument({ below, pick }: Chance): string {
  const model = (name: string): Json => ({
    name,
    provider: pick("ollama", "openai"),
    ...(below(2) === 0 && { roles: ["chat"] }),
    ...(below(3) === 0 && { note: pick("two\nlines\n", "a: b", "#1", "") }),
  });
  const parts: readonly (readonly [string, Json])[] = [
    ["name", pick<Json>("Mine", "it's", 'say "x"', "yes", 5)],
    ["models", below(4) === 0 ? [] : ["a", "b", "c"].slice(0, 1 + below(3)).map(model)],
    ["context", pick<Json>([{ provider: "code" }], { deep: { deeper: [1, 2] } }, null)],
    ["text", pick<Json>("one\n\ntwo\n", "x".repeat(90), true)],
  ];
  const blocks = parts
    .filter(() => below(3) > 0)
    .map(([name, value]) => {
      const indentSeq = below(2) === 0;
      const block = stringify({ [name]: value }, { indentSeq, indent: pick(2, 4), lineWidth: 0 });
      const above = pick("", `# above ${name}\n`, `\n# above ${name}\n`);
      const isShort = block.split("\n").length === 2;
      return `${above}${isShort && below(2) === 0 ? block.replace(/\n$/, ` # behind ${name}\n`) : block}`;
    });
  const text = pick("", "---\n", "# top\n\n") + blocks.join("") + pick("", "# bottom\n");
  const ended = below(4) === 0 ? text.replace(/\n$/, "") : text;
  return below(3) === 0 ? ended.replaceAll("\n", "\r\n") : ended;
}

const changes: readonly (readonly Setting[])[] = [
  [{ path: ["model"], value: "openrouter/x" }],
  [{ path: ["models", ours], value: item }],
  [{ path: ["context", "openrouter"], value: { a: "1" } }],
  [
    { path: ["model"], value: "openrouter/x" },
    { path: ["models", ours], value: item },
  ],
];

describe("editing YAML text", () => {
  it("adds what is asked for in one place, keeps every other byte, and takes it out again, in 800 documents", async () => {
    let done = 0;
    for (let seed = 1; seed <= 800; seed++) {
      const chance = createChance(seed);
      const text = someDocument(chance);
      const settings = chance.pick(changes[0] ?? [], ...changes.slice(1));
      const before = await yaml.read(text);
      const hasObstacle = settings.some(({ path }) => path[0] === "context" && !isAbsent(before["context"]));
      if (hasObstacle) continue;
      const edited = await yaml.edit(text, settings);
      const why = `seed ${seed}:\n${text}\n=>\n${edited}`;
      assert.deepStrictEqual(await yaml.read(edited), withSettings(before, settings), why);
      if (text.includes("\r\n")) assert.doesNotMatch(edited, /[^\r]\n/, why);
      for (const comment of text.match(/#[^\r\n]*/g) ?? []) assert.ok(edited.includes(comment), why);
      // A setting that makes an empty list or value into one with something in it changes that place as well.
      const isOnlyAdded =
        settings.length === 1 &&
        settings.every(
          ({ path }) => path.length === 1 || !isThere(before, path) || isFilled(valueAt(before, path.slice(0, 1))),
        );
      if (isOnlyAdded) {
        assert.match(difference(text, edited).removed, /^\s*$/, why);
        const back = settings.map(({ path }) => ({
          path: isThere(before, path) ? path : path.slice(0, 1),
          value: undefined,
        }));
        assert.equal(await yaml.edit(edited, back), text, why);
      }
      done++;
    }
    assert.ok(done > 500, String(done));
  });

  it("touches only the value where a value is replaced", async () => {
    const text = `# mine\nmodel:   "old"   # usual\nother: [ 1,2 ]\n`;
    assert.equal(
      await yaml.edit(text, [{ path: ["model"], value: "openrouter/x" }]),
      `# mine\nmodel:   openrouter/x   # usual\nother: [ 1,2 ]\n`,
    );
  });

  it("replaces an item of a list where it stands", async () => {
    const text = `models:\n  # first\n  - name: OpenRouter\n    apiKey: old # mine\n  - name: b # second\n`;
    assert.equal(
      await yaml.edit(text, [{ path: ["models", ours], value: { name: "OpenRouter", apiKey: "new" } }]),
      `models:\n  # first\n  - name: OpenRouter\n    apiKey: new # mine\n  - name: b # second\n`,
    );
  });

  const refused = {
    "that is none": { text: "a: [", why: "is not valid YAML, so it was left as it is. Mend it" },
    "with several documents": {
      text: "a: 1\n---\nb: 2\n",
      why: "holds several documents, so it was left as it is. Keep one of them",
    },
    "that is a list": { text: "- a\n", why: "holds no settings, so it was left as it is. Mend it" },
    "with the place in an alias": {
      text: "x: &m\n  - name: a\nmodels: *m\n",
      why: "is laid out in a way that cannot be changed safely, so it was left as it is. Put each setting on a line of its own",
    },
  };
  for (const [name, { text, why }] of Object.entries(refused)) {
    it(`leaves a file alone ${name}`, async () => {
      await assert.rejects(
        yaml.edit(text, [{ path: ["models", ours], value: item }]),
        new UserError(`~/config.yaml ${why} and try again.`),
      );
    });
  }
});

function isThere(before: JsonObject, path: Setting["path"]): boolean {
  return valueAt(before, path.slice(0, 1)) !== undefined;
}

function isAbsent(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

function isFilled(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length > 0;
}
