import assert from "node:assert/strict";
import { createEnvFile } from "../../../extension/tools/env-file.ts";
import { withSettings } from "../../../extension/tools/settings.ts";
import type { Setting } from "../../../extension/tools/settings.ts";
import { createChance, difference } from "./chance.ts";

const env = createEnvFile("~/.env");

describe("editing a file of environment variables", () => {
  it("changes the one variable and no other byte, and takes it out again, in 2000 files", async () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const { below, pick } = createChance(seed);
      const lines = [
        "# mine",
        "",
        "FOO=bar # why",
        "export BAR = 'a # b'",
        `LONG="two`,
        `KEY=inside"`,
        "not a variable",
        "EMPTY=",
        "`",
      ];
      const kept = lines.filter((_, index) => below(3) > 0 || index === 5).slice(0, 9);
      const body = kept.includes(lines[4] ?? "") ? kept : kept.filter((line) => line !== lines[5]);
      const eol = pick("\n", "\r\n");
      const text = body.join(eol) + (body.length > 0 && below(3) > 0 ? eol : "");
      const settings: readonly Setting[] = [{ path: ["KEY"], value: pick("sk-or-v1-1", "with blank", "it's") }];
      const before = await env.read(text);
      const edited = await env.edit(text, settings);
      const why = `seed ${seed}:\n${text}\n=>\n${edited}`;
      assert.deepStrictEqual(await env.read(edited), withSettings(before, settings), why);
      assert.equal(difference(text, edited).removed, "", why);
      if (text.includes("\r\n")) assert.doesNotMatch(edited, /[^\r]\n/, why);
      assert.equal(await env.edit(edited, [{ path: ["KEY"], value: undefined }]), text, why);
    }
  });

  it("reads what dotenv reads", async () => {
    const text = `A=1\nexport B = two # c\nC='x # y'\nD="a\\nb"\nE="two\nlines"\n#F=1\nA=3\n`;
    assert.deepStrictEqual(await env.read(text), { A: "3", B: "two", C: "x # y", D: "a\nb", E: "two\nlines" });
  });

  it("replaces the value that counts, on its own line and in its quotes", async () => {
    assert.equal(
      await env.edit(`KEY=first\nexport KEY = 'old'\nA=1\n`, [{ path: ["KEY"], value: "new" }]),
      `KEY=first\nexport KEY = 'new'\nA=1\n`,
    );
  });
});
