import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../extension/base/errors.ts";
import { createKeychainCopy } from "../../../extension/key-helper/keychain-copy.ts";
import { createKeyServer } from "../../../extension/key-helper/key-server.ts";
import { createLines, program, run } from "./ask-helper.ts";

// The keychains' own programs need a login with a desktop. These stand in for them: they take the arguments that the manual
// pages of secret-tool 0.20 and of macOS's security give, and no others, and end with the same codes. The first one was
// held against the real secret-tool with gnome-keyring by hand.

const secretTool = `#!/bin/sh
echo "$@" >> "$HOME/calls"
verb=$1; shift
if [ "$verb" = store ]; then case $1 in --label=?*) shift;; *) exit 2;; esac; fi
[ "$#$1$3" = "4serviceaccount" ] || exit 2
if [ "$verb" = search ]; then [ ! -e "$HOME/kept $2 $4" ] || echo "[/1]"; exit 0; fi
[ ! -e "$HOME/locked" ] || exit 1
case $verb in
  store) exec /bin/cat > "$HOME/kept $2 $4";;
  lookup) [ -e "$HOME/kept $2 $4" ] || exit 1; exec /bin/cat "$HOME/kept $2 $4";;
  clear) [ -e "$HOME/kept $2 $4" ] || exit 1; exec /bin/rm "$HOME/kept $2 $4";;
esac
exit 2
`;

const security = `#!/bin/sh
echo "$@" >> "$HOME/calls"
[ ! -e "$HOME/locked" ] || exit 36
if [ "$*" = "-i" ]; then
  read -r line
  eval "set -- $line"
  [ "$#$1$2$3$5$7$9" = "10add-generic-password-U-s-a-l-w" ] || exit 2
  shift 9
  printf %s "$1" > "$HOME/kept $(echo "$line" | /usr/bin/cut -d' ' -f4,6)"
  exit 0
fi
[ "$2$4" = "-s-a" ] || exit 2
[ -e "$HOME/kept $3 $5" ] || exit 44
case "$1 $#" in
  "find-generic-password 6") [ "$6" = -w ] || exit 2; /bin/cat "$HOME/kept $3 $5"; echo;;
  "delete-generic-password 5") exec /bin/rm "$HOME/kept $3 $5";;
  *) exit 2;;
esac
`;

const first = "sk-or-v1-0123456789abcdef";
const second = "sk-or-v1-fedcba9876543210";

for (const [platform, name, script] of [
  ["linux", "secret-tool", secretTool],
  ["darwin", "security", security],
] as const) {
  describe(`the copy of the key in the system's keychain, by ${name}`, () => {
    let folder = "";
    let key: string | undefined;
    let log = createLines();

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "ork-"));
      key = first;
      log = createLines();
      await mkdir(join(folder, "bin"));
      await mkdir(join(folder, "sockets"), { mode: 0o700 });
      await mkdir(join(folder, "helper"));
      await writeFile(join(folder, "bin", name), script);
      await chmod(join(folder, "bin", name), 0o755);
      await symlink(program, join(folder, "helper", "or-key.ts"));
    });

    afterEach(() => rm(folder, { recursive: true }));

    const create = () =>
      createKeychainCopy({
        storageDirectory: join(folder, "helper"),
        platform,
        env: { HOME: folder, PATH: `relative:${join(folder, "bin")}` },
        readKey: async () => key,
        log,
        security: join(folder, "bin", "security"),
      });
    const askHelper = () =>
      run(process.execPath, [join(folder, "helper", "or-key.ts"), join(folder, "sockets")], { HOME: folder });
    const kept = async () => {
      const names = (await readdir(folder)).filter((entry) => entry.startsWith("kept "));
      return Promise.all(names.map((entry) => readFile(join(folder, entry), "utf8")));
    };

    it("is not there unless the person has agreed, and then gives the key while no window answers", async () => {
      const keychain = create();
      await keychain.sync();
      const before = [(await keychain.state()).kind, await kept(), (await askHelper()).code];
      await keychain.turnOn();
      assert.deepStrictEqual(
        { before, after: [(await keychain.state()).kind, await kept()], said: await askHelper() },
        { before: ["off", [], 1], after: ["on", [first]], said: { code: 0, stdout: `${first}\n`, stderr: "" } },
      );
    });

    it("is never in an argument, in a file of ours or in the log", async () => {
      const keychain = create();
      await keychain.turnOn();
      key = second;
      await keychain.sync();
      key = undefined;
      await keychain.sync();
      const mark = join(folder, "helper", "keychain");
      const texts = [await readFile(join(folder, "calls"), "utf8"), await readFile(mark, "utf8"), ...log.lines];
      assert.doesNotMatch(texts.join("\n"), /sk-or-/);
      assert.strictEqual((await stat(mark)).mode & 0o777, 0o600);
    });

    it("follows the key: another one takes its place, and with none it goes, until there is one again", async () => {
      const keychain = create();
      await keychain.turnOn();
      const seen: (readonly string[])[] = [];
      for (key of [second, undefined, first]) {
        await keychain.sync();
        seen.push(await kept());
      }
      const calls = await readFile(join(folder, "calls"), "utf8");
      await keychain.sync();
      assert.deepStrictEqual(
        [seen, await readFile(join(folder, "calls"), "utf8")],
        [[[second], [], [first]], calls],
        "and runs nothing when there is nothing to do",
      );
    });

    it("is not given by the helper when a window that is open says that there is no key", async () => {
      await create().turnOn();
      const server = createKeyServer({ directory: join(folder, "sockets"), readKey: async () => undefined, log });
      await server.start();
      try {
        const { code, stdout, stderr } = await askHelper();
        assert.deepStrictEqual([code, stdout, stderr.includes("signed out")], [1, "", true]);
      } finally {
        await server.stop();
      }
    });

    it("is not given any more after a sign-out, even when the keychain was locked then, and goes once it is not", async () => {
      const keychain = create();
      await keychain.turnOn();
      await writeFile(join(folder, "locked"), "");
      key = undefined;
      await keychain.sync();
      await rm(join(folder, "locked"));
      const left = [await kept(), (await askHelper()).stdout];
      await create().sync();
      assert.deepStrictEqual([left, await kept()], [[[first], ""], []]);
    });

    it("goes when it is taken back, and says so when it cannot", async () => {
      const keychain = create();
      await keychain.turnOn();
      await writeFile(join(folder, "locked"), "");
      // A keychain that is locked gives nothing to read either, so it must not be taken for one that is empty.
      const end = await keychain.turnOff().then(
        () => "done",
        (error: unknown) => (error instanceof UserError ? error.message : String(error)),
      );
      await rm(join(folder, "locked"));
      await keychain.turnOff();
      assert.deepStrictEqual(
        [end.startsWith("The copy could not be removed"), await kept(), (await keychain.state()).kind],
        [true, [], "off"],
      );
      assert.match(
        (await askHelper()).stderr,
        /^OpenRouter Keys: VS Code is not running, or you are signed out there\./,
      );
    });

    it("is refused with a sentence where the keychain takes nothing, and nothing is left behind", async () => {
      await writeFile(join(folder, "locked"), "");
      const keychain = create();
      await assert.rejects(keychain.turnOn(), UserError);
      assert.deepStrictEqual(
        [(await keychain.state()).kind, await readdir(join(folder, "helper"))],
        ["off", ["or-key.ts"]],
      );
    });

    it("is not taken from a keychain that has something else under its name", async () => {
      await create().turnOn();
      const [entry = ""] = (await readdir(folder)).filter((file) => file.startsWith("kept "));
      await writeFile(join(folder, entry), second);
      const { code, stdout, stderr } = await askHelper();
      assert.deepStrictEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^OpenRouter Keys: VS Code is not running, and the system's keychain did not give a copy/);
    });
  });
}

describe("the copy of the key in the system's keychain", () => {
  it("is not offered where the system has no program for it, with the reason", async () => {
    const create = (platform: NodeJS.Platform) =>
      createKeychainCopy({
        storageDirectory: join(tmpdir(), "ork-nowhere"),
        platform,
        env: { PATH: "bin:/nowhere" },
        readKey: async () => first,
        log: createLines(),
      });
    const states = [await create("win32").state(), await create("linux").state()];
    assert.deepStrictEqual(
      states.map((state) => [state.kind, "why" in state ? state.why.split(/[.,:]/)[0] : ""]),
      [
        ["unavailable", "Windows has no program of its own that gives a stored secret back"],
        ["unavailable", "The program secret-tool was not found"],
      ],
    );
  });
});
