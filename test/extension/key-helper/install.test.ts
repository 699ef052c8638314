import assert from "node:assert/strict";
import { lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installKeyHelper } from "../../../extension/key-helper/install.ts";
import { run } from "./ask-helper.ts";

describe("the key helper's command", () => {
  let folder = "";
  let place = {
    storageDirectory: "",
    program: "",
    execPath: process.execPath,
    socketDirectory: "",
    platform: process.platform,
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ork-"));
    const program = join(folder, "bundled.cjs");
    await writeFile(
      program,
      `process.stdout.write(JSON.stringify([process.argv[2], process.env.ELECTRON_RUN_AS_NODE]))`,
    );
    const storageDirectory = join(folder, 'it\'s $HOME, "Application Support"');
    place = { ...place, storageDirectory, program, socketDirectory: join(folder, "so `ck'ets") };
  });

  afterEach(() => rm(folder, { recursive: true }));

  it("runs the program with VS Code's own runtime, whatever characters are in the paths", async () => {
    const command = await installKeyHelper(place);
    assert.deepStrictEqual(await run(command, [], { NODE_OPTIONS: "--no-such-option" }), {
      code: 0,
      stdout: JSON.stringify([place.socketDirectory, "1"]),
      stderr: "",
    });
  });

  it("is private to the user, and leaves no other file behind", async () => {
    const command = await installKeyHelper(place);
    const modes = await Promise.all(
      (await readdir(place.storageDirectory))
        .toSorted()
        .map(async (name) => [name, (await lstat(join(place.storageDirectory, name))).mode & 0o777]),
    );
    assert.deepStrictEqual(
      { command, modes },
      {
        command: join(place.storageDirectory, "or-key"),
        modes: [
          ["or-key", 0o700],
          ["or-key.cjs", 0o600],
        ],
      },
    );
  });

  it("is not written again when nothing has changed, and is when the runtime has moved", async () => {
    const command = await installKeyHelper(place);
    const inode = async (): Promise<number> => (await stat(command)).ino;
    const first = await inode();
    await installKeyHelper(place);
    const second = await inode();
    await installKeyHelper({ ...place, execPath: "/opt/new/node" });
    const text = await readFile(command, "utf8");
    assert.deepStrictEqual(
      { isKept: first === second, last: text.split("\n").at(-2)?.startsWith("exec /opt/new/node ") },
      { isKept: true, last: true },
    );
  });

  it("doubles percent signs and names its own folder relatively on Windows", async () => {
    await mkdir(place.storageDirectory);
    const command = await installKeyHelper({
      ...place,
      platform: "win32",
      execPath: "C:\\100%\\Code.exe",
      socketDirectory: `${place.storageDirectory}\\windows`,
    });
    assert.deepStrictEqual((await readFile(command, "utf8")).split("\r\n"), [
      "@echo off",
      "setlocal DisableDelayedExpansion",
      "set NODE_OPTIONS=",
      "set ELECTRON_RUN_AS_NODE=1",
      '"C:\\100%%\\Code.exe" "%~dp0or-key.cjs" "%~dp0windows"',
      "",
    ]);
  });
});
