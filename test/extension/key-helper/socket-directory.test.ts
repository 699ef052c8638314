import assert from "node:assert/strict";
import { chooseSocketDirectory, maxSocketPathBytes } from "../../../extension/key-helper/socket-directory.ts";

const storageDirectory = "/home/ada/.config/Code/User/globalStorage/openrouter-keys.openrouter-keys";
const base = {
  platform: "linux",
  env: {},
  storageDirectory: "/home/ada/s",
  temporaryDirectory: "/tmp",
  isFolder: () => true,
  uid: 1000,
} as const;

describe("the directory for the sockets", () => {
  const cases = {
    "lies in the user's runtime directory where there is one": [
      { ...base, env: { XDG_RUNTIME_DIR: "/run/user/1000" } },
      "/run/user/1000/openrouter-keys",
    ],
    "does not take a runtime directory that is not there": [
      { ...base, env: { XDG_RUNTIME_DIR: "/run/user/1000" }, isFolder: () => false },
      "/home/ada/s/windows",
    ],
    "does not take a relative runtime directory": [{ ...base, env: { XDG_RUNTIME_DIR: "run" } }, "/home/ada/s/windows"],
    "lies in the extension's own folder where that is short enough": [base, "/home/ada/s/windows"],
    "lies among the temporary files where the extension's own folder is too long": [
      { ...base, storageDirectory: `/home/${"a".repeat(40)}/.config/Code/User/globalStorage/x` },
      "/tmp/openrouter-keys-1000",
    ],
    "passes over a runtime directory that is too long": [
      { ...base, env: { XDG_RUNTIME_DIR: `/${"r".repeat(80)}` } },
      "/home/ada/s/windows",
    ],
    "lies in /tmp where all else is too long": [
      { ...base, storageDirectory: `/${"s".repeat(90)}`, temporaryDirectory: `/${"t".repeat(90)}` },
      "/tmp/openrouter-keys-1000",
    ],
    "lies in the user's profile on Windows": [
      { ...base, platform: "win32", storageDirectory: "C:\\Users\\Ada\\s", uid: undefined },
      "C:\\Users\\Ada\\s\\windows",
    ],
  } as const;
  for (const [name, [surroundings, expected]] of Object.entries(cases)) {
    it(name, () => assert.equal(chooseSocketDirectory(surroundings), expected));
  }

  it("leaves room for the longest socket name, counted in bytes", () => {
    const lengths = [];
    for (let length = 0; length < 120; length++) {
      const storage = `/home/${"ü".repeat(length)}`;
      const directory = chooseSocketDirectory({ ...base, storageDirectory: storage });
      lengths.push(Buffer.byteLength(`${directory}/4194304-0123456789ab.sock`));
    }
    assert.ok(Math.max(...lengths) <= maxSocketPathBytes, String(Math.max(...lengths)));
  });

  it("is the same for every window", () => {
    const surroundings = { ...base, storageDirectory };
    assert.equal(chooseSocketDirectory(surroundings), chooseSocketDirectory({ ...surroundings }));
  });
});
