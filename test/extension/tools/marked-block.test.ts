import assert from "node:assert/strict";
import { block, blockPath, createMarkedBlock } from "../../../extension/tools/marked-block.ts";
import { createChance } from "./chance.ts";

describe("editing a script with a block of ours", () => {
  const script = createMarkedBlock("crushrc");
  const without = [{ path: blockPath, value: undefined }];

  it("keeps every byte around the block, and takes it out again, in 1000 scripts", async () => {
    const chance = createChance(11);
    for (let round = 0; round < 1000; round++) {
      const eol = chance.pick("\n", "\r\n");
      const lines = Array.from({ length: chance.below(5) }, () =>
        chance.pick("", "# mine", "option debug true", "  provider add x \\", "# >>> other >>>"),
      );
      const text = lines.join(eol) + (lines.length > 0 ? chance.pick("", eol) : "");
      const first = await script.edit(text, [block(["one", "two"])]);
      const grown = `${first}${first.endsWith("\n") ? "" : eol}# later${eol}`;
      const moved = await script.edit(grown, [block(["three"])]);
      assert.deepStrictEqual(
        {
          starts: first.startsWith(text),
          block: (await script.read(first))["block"],
          moved: moved.replaceAll("\r", "").replace("three", "one\ntwo"),
          back: await script.edit(first, without),
          grown: (await script.edit(moved, without)).replaceAll("\r", ""),
        },
        {
          starts: true,
          block: "one\ntwo",
          moved: grown.replaceAll("\r", ""),
          back: text,
          grown: `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}# later\n`.replaceAll("\r", ""),
        },
        JSON.stringify(text),
      );
    }
  });

  it("leaves a script alone in which one of the two marks is missing", async () => {
    const whole = await script.edit("", [block(["one"])]);
    const [opening = ""] = whole.split("\n");
    for (const broken of [`${opening}\n`, `# x\n${whole}${whole}`, whole.split("\n").toReversed().join("\n")]) {
      await assert.rejects(script.edit(broken, [block(["two"])]), /so it was left as it is/);
    }
  });

  it("counts what the person has added as theirs, so that their file is not taken away", async () => {
    const whole = await script.edit("", [block(["one"])]);
    assert.deepStrictEqual(
      [Object.keys(await script.read(whole)), Object.keys(await script.read(`${whole}# mine\n`))],
      [["block"], ["rest", "block"]],
    );
  });
});
