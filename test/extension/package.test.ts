import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { readZip } from "../package/read-zip.ts";
import { faultsIn, packExtension } from "../package/vsix.ts";

describe("the packaged extension", function () {
  this.timeout(60_000);
  let folder: string;
  before(async () => {
    if (!existsSync("dist/extension")) await promisify(execFile)(process.execPath, ["esbuild.config.mjs"]);
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-packed-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("has the same bytes whenever and wherever the same files are packed", async () => {
    const [first, second] = [join(folder, "first.vsix"), join(folder, "second.vsix")];
    await packExtension(first);
    const umask = process.umask(0o077);
    const zone = process.env["TZ"];
    try {
      process.env["TZ"] = "Pacific/Chatham";
      await utimes("README.md", new Date(), new Date());
      await packExtension(second);
    } finally {
      process.umask(umask);
      if (zone === undefined) delete process.env["TZ"];
      else process.env["TZ"] = zone;
    }
    assert.ok((await readFile(first)).equals(await readFile(second)));
    const names = readZip(await readFile(first)).map(({ name }) => name);
    assert.ok(names.includes("extension/dist/extension/extension.js"));
    assert.deepStrictEqual(
      names.filter((name) => /functions\/|\.ts$|node_modules|test\//.test(name)),
      [],
    );
  });

  it("is refused with a secret, with a file too many or too few, and with the function in it", () => {
    const file = (name: string, text = "") => ({ name, content: Buffer.from(text) });
    const planted = [
      `key = "sk-or-v1-${"0123456789abcdef".repeat(4)}"`,
      `GOCSPX-${"a".repeat(28)}`,
      `ors_${"b".repeat(43)}`,
      `-----BEGIN PRIVATE KEY-----\n${"MIIE".repeat(8)}`,
      `postgres://user:${"c".repeat(12)}@db.example.com/keys`,
    ];
    for (const text of planted) assert.equal(faultsIn([file("a.js", text)], ["a.js"]).length, 1, text);
    assert.deepStrictEqual(
      [
        faultsIn([file("a.js"), file("functions/node.js")], ["a.js", "b.js"]),
        faultsIn([file("a.js", "process.env.OPENROUTER_MANAGEMENT_KEY")], ["a.js"]),
        // Code that hides secrets has to know how they begin.
        faultsIn([file("a.js", "text.replace(/sk-or-[\\w-]+/g, ''); '-----BEGIN PRIVATE KEY-----'")], ["a.js"]),
      ],
      [["functions/node.js is not meant to be in it", "b.js is missing"], ["a.js has the function's code in it"], []],
    );
  });
});
