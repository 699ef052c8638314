import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../extension/base/errors.ts";
import { createKeyServer } from "../../../extension/key-helper/key-server.ts";
import { askHelper, createLines } from "./ask-helper.ts";

const secret = "sk-or-v1-0123456789abcdef";
const notRunning =
  "OpenRouter Keys: VS Code is not running, or you are signed out there. Open VS Code and try again.\n";
const signedOut =
  "OpenRouter Keys: VS Code is open, but you are signed out there or no key is chosen for your tools. " +
  "Sign in or create a key in VS Code and try again.\n";

describe("the key helper", () => {
  let folder = "";
  let directory = "";
  const servers: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ork-"));
    directory = join(folder, "sockets");
  });

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await rm(folder, { recursive: true });
  });

  function createServerFor(readKey: () => Promise<string | undefined>, log = createLines()) {
    const server = createKeyServer({ directory, readKey, log });
    servers.push(server);
    return server;
  }

  it("prints the key and nothing else while a window is open", async () => {
    await createServerFor(async () => secret).start();
    assert.deepStrictEqual(await askHelper(directory), { code: 0, stdout: `${secret}\n`, stderr: "" });
  });

  it("prints the key of this moment, and none after the sign-out", async () => {
    let key: string | undefined = "first";
    await createServerFor(async () => key).start();
    const first = await askHelper(directory);
    key = "second";
    const second = await askHelper(directory);
    key = undefined;
    const third = await askHelper(directory);
    assert.deepStrictEqual(
      [first, second, third],
      [
        { code: 0, stdout: "first\n", stderr: "" },
        { code: 0, stdout: "second\n", stderr: "" },
        { code: 1, stdout: "", stderr: signedOut },
      ],
    );
  });

  it("makes the directory and the socket private to the user", async () => {
    await createServerFor(async () => secret).start();
    const names = await readdir(directory);
    const modes = await Promise.all(
      [directory, ...names.map((name) => join(directory, name))].map(async (path) => (await lstat(path)).mode & 0o777),
    );
    assert.deepStrictEqual(modes, [0o700, 0o600]);
  });

  it("says that VS Code is not running where there is no directory, and where no window is left", async () => {
    const never = await askHelper(directory);
    const server = createServerFor(async () => secret);
    await server.start();
    await server.stop();
    assert.deepStrictEqual(
      { never, afterwards: await askHelper(directory), left: await readdir(directory) },
      {
        never: { code: 1, stdout: "", stderr: notRunning },
        afterwards: { code: 1, stdout: "", stderr: notRunning },
        left: [],
      },
    );
  });

  it("asks every window and prints the key of the one that has it", async () => {
    await createServerFor(async () => undefined).start();
    const second = createServerFor(async () => secret);
    await second.start();
    const both = await askHelper(directory);
    await second.stop();
    assert.deepStrictEqual(
      { both, firstOnly: await askHelper(directory) },
      { both: { code: 0, stdout: `${secret}\n`, stderr: "" }, firstOnly: { code: 1, stdout: "", stderr: signedOut } },
    );
  });

  it("does not wait for a window that keeps silent when another one answers", async () => {
    await createServerFor(() => new Promise(() => undefined)).start();
    await createServerFor(async () => secret).start();
    assert.deepStrictEqual(await askHelper(directory), { code: 0, stdout: `${secret}\n`, stderr: "" });
  });

  it("gives up after five seconds when the only window keeps silent", async function () {
    this.timeout(20_000);
    const hung = createServer();
    await mkdir(directory, { mode: 0o700 });
    hung.listen(join(directory, `${process.pid}-000000000000.sock`));
    await once(hung, "listening");
    const said = await askHelper(directory);
    hung.close();
    assert.deepStrictEqual(said, {
      code: 1,
      stdout: "",
      stderr:
        "OpenRouter Keys: VS Code did not answer in time. Try again, and reload the VS Code window if it stays so.\n",
    });
  });

  it("passes over what a killed window left, and the next window sweeps it up", async () => {
    await mkdir(directory, { mode: 0o700 });
    // A process that listens and is killed, as a window is: its socket stays behind.
    const listen = `
      const path = process.argv[1] + "/" + process.pid + "-0123456789ab.sock";
      require("node:net").createServer().listen(path, () => process.stdout.write(path));`;
    const killed = spawn(process.execPath, ["-e", listen, directory], { stdio: ["ignore", "pipe", "inherit"] });
    await once(killed.stdout, "data");
    killed.kill("SIGKILL");
    await once(killed, "close");
    const stale = await readdir(directory);
    const before = await askHelper(directory);

    await createServerFor(async () => secret).start();
    const left = await readdir(directory);
    assert.deepStrictEqual(
      {
        stale: stale.length,
        before,
        after: await askHelper(directory),
        isSwept: left.length === 1 && left[0] !== stale[0],
      },
      {
        stale: 1,
        before: { code: 1, stdout: "", stderr: notRunning },
        after: { code: 0, stdout: `${secret}\n`, stderr: "" },
        isSwept: true,
      },
    );
  });

  it("serves again when the system has emptied the directory", async () => {
    const server = createKeyServer({
      directory,
      readKey: async () => secret,
      log: createLines(),
      checkMilliseconds: 10,
    });
    servers.push(server);
    await server.start();
    await rm(directory, { recursive: true });
    const deadline = Date.now() + 10_000;
    let names: readonly string[] = [];
    while (names.length === 0 && Date.now() < deadline) {
      names = await readdir(directory).catch(() => []);
    }
    assert.deepStrictEqual(await askHelper(directory), { code: 0, stdout: `${secret}\n`, stderr: "" });
  });

  const untrusted = {
    "is open to other users": async () => {
      await mkdir(directory);
      await chmod(directory, 0o750);
    },
    "is a symbolic link": async () => {
      await mkdir(join(folder, "elsewhere"), { mode: 0o700 });
      await symlink(join(folder, "elsewhere"), directory);
    },
  };
  for (const [fault, prepare] of Object.entries(untrusted)) {
    it(`serves no key from a directory that ${fault}, and reads none from it`, async () => {
      await prepare();
      await assert.rejects(
        createServerFor(async () => secret).start(),
        new UserError(
          `The folder ${directory} ${fault}, so that no key can be served from it. Remove it and reload the window.`,
        ),
      );
      const said = await askHelper(directory);
      assert.deepStrictEqual(
        { said, files: await readdir(directory) },
        {
          said: {
            code: 1,
            stdout: "",
            stderr: `OpenRouter Keys: the folder ${directory} ${fault}, so that it is not safe to read a key from it. Remove it and reload the VS Code window.\n`,
          },
          files: [],
        },
      );
    });
  }

  it("serves no key where a file stands in the place of the directory", async () => {
    await writeFile(directory, "");
    await assert.rejects(createServerFor(async () => secret).start());
    assert.match((await askHelper(directory)).stderr, /is not a folder/);
  });

  it("serves no key from a directory of another user", async () => {
    await mkdir(directory, { mode: 0o700 });
    const restore = await giveToAnother(directory);
    try {
      await assert.rejects(createServerFor(async () => secret).start());
    } finally {
      restore();
    }
  });

  it("says so when the key cannot be read, and neither prints nor logs what went wrong with it", async () => {
    const log = createLines();
    await createServerFor(async () => `${secret}\nand more`, log).start();
    assert.deepStrictEqual(
      { said: await askHelper(directory), isLogged: log.lines.some((line) => line.includes("sk-or-")) },
      {
        said: {
          code: 1,
          stdout: "",
          stderr: "OpenRouter Keys: VS Code could not read the key. Reload the VS Code window and try again.\n",
        },
        isLogged: false,
      },
    );
  });

  it("tells nothing to whoever does not ask as the helper does", async () => {
    await createServerFor(async () => secret).start();
    const [name = ""] = await readdir(directory);
    for (const line of ["key 00 00\n", `key ${"0".repeat(32)} ${"0".repeat(64)}\n`, "x".repeat(5000)]) {
      const socket = connect(join(directory, name));
      let received = "";
      socket.on("data", (bytes) => (received += String(bytes)));
      socket.on("error", () => undefined);
      socket.write(line);
      await once(socket, "close");
      assert.equal(received, "");
    }
  });
});

/** Makes a directory another user's: for root by giving it away, for anybody else by pretending to be somebody else. */
async function giveToAnother(directory: string): Promise<() => void> {
  if (process.getuid?.() === 0) {
    await chown(directory, 65_534, 65_534);
    return () => undefined;
  }
  const { getuid } = process;
  process.getuid = () => 65_534;
  return () => {
    if (getuid !== undefined) process.getuid = getuid;
  };
}
