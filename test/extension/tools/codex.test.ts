import assert from "node:assert/strict";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fakeCodex } from "./fake-codex.ts";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

const file = ".codex/config.toml";

describe("setting up Codex", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
  });

  afterEach(() => world.remove());

  const apply = () => world.setup.apply(["codex"]);
  const refused = (message: string) => [{ id: "codex", label: "Codex", ok: false, message }];
  const parsed = async (): Promise<unknown> => JSON.parse((await world.read(file)) ?? "null");

  it("sets the model, the provider and the key helper, and undo puts the person's own back", async () => {
    await world.addProgram("codex", fakeCodex());
    const before = `{"model": "gpt-5.5", "model_providers": {"openrouter": {"name": "OR", "env_key": "MY_KEY"}}}`;
    await world.write(file, before);
    const outcomes = await apply();
    const applied = await parsed();
    await world.setup.undo(["codex"]);
    assert.deepStrictEqual(
      { outcomes, applied, left: await world.read(file) },
      {
        outcomes: [
          {
            id: "codex",
            label: "Codex",
            ok: true,
            changed: [world.path(file)],
            next: "Start a new session to use it; in VS Code, reload the window. It works while VS Code is open.",
          },
        ],
        applied: {
          model: "~openai/gpt-latest",
          model_provider: "openrouter",
          model_providers: {
            openrouter: {
              name: "OpenRouter",
              base_url: "https://openrouter.ai/api/v1",
              wire_api: "responses",
              auth: { command: world.deps.helperCommand, args: [] },
            },
          },
        },
        left: before,
      },
    );
  });

  it("is known to use the key without a start of Codex while nobody has written to its file, and by asking it then", async () => {
    await world.addProgram("codex", fakeCodex());
    await apply();
    await world.addProgram("codex", "#!/bin/sh\nexit 1\n");
    const untouched = await world.setup.inUse();
    await world.addProgram("codex", fakeCodex());
    await world.write(file, `{"model": "gpt-5.5"}`);
    const changed = await world.setup.inUse();
    assert.deepStrictEqual(
      [...untouched, ...changed].map(({ id, isCurrent }) => [id, isCurrent]),
      [
        ["codex", true],
        ["codex", false],
      ],
    );
  });

  it("keeps the old model and provider table when the file was changed since", async () => {
    await world.addProgram("codex", fakeCodex());
    const provider = { name: "OR", env_key: "MY_KEY" };
    await world.write(file, JSON.stringify({ model: "gpt-5.5", model_providers: { openrouter: provider } }));
    await apply();
    await world.write(file, JSON.stringify(Object.assign({ tui: {} }, await parsed())));
    await world.setup.undo(["codex"]);
    assert.deepStrictEqual(await parsed(), {
      tui: {},
      model: "gpt-5.5",
      model_providers: { openrouter: provider },
    });
  });

  it("undoes an untouched file although Codex is gone by then", async () => {
    await world.addProgram("codex", fakeCodex());
    await apply();
    await world.addProgram("codex", "#!/bin/false\n");
    const outcomes = await world.setup.undo(["codex"]);
    assert.deepStrictEqual([outcomes.map(({ ok }) => ok), await readdir(world.home)], [[true], ["programs"]]);
  });

  it("gives Codex no variable that it does not need", async () => {
    await world.addProgram(
      "codex",
      fakeCodex({ onStart: `writeFileSync(process.env.HOME + "/seen", Object.keys(process.env).sort().join());` }),
    );
    const setup = world.restarted({ env: { ...world.deps.env, OPENAI_API_KEY: "x", SSH_AUTH_SOCK: "x" } });
    await setup.apply(["codex"]);
    assert.equal(await world.read("seen"), "CODEX_HOME,HOME,PATH");
  });

  it("leaves no copy of the person's file behind", async () => {
    await world.addProgram(
      "codex",
      fakeCodex({ onStart: `writeFileSync(process.env.HOME + "/seen", process.env.CODEX_HOME);` }),
    );
    await apply();
    const copy = (await world.read("seen")) ?? "";
    assert.equal(dirname(copy), tmpdir());
    await assert.rejects(readdir(copy), { code: "ENOENT" });
  });

  const versions = { "0.117.0": true, "0.118.0-alpha.3": true, "0.9.9": true, "0.118.0": false, "1.0.0": false };
  for (const [version, isRefused] of Object.entries(versions)) {
    it(`${isRefused ? "refuses" : "accepts"} version ${version}`, async () => {
      await world.addProgram("codex", fakeCodex({ version }));
      const outcomes = await apply();
      const found = (await world.setup.detect())[1];
      const message = `Codex ${version} at ${join(world.bin, "codex")} cannot fetch a key by itself. Update it to 0.118.0 or newer and try again.`;
      assert.deepStrictEqual(
        { outcomes: outcomes.map((outcome) => outcome.ok || outcome.message), found: found?.state },
        isRefused ? { outcomes: [message], found: "unsupported" } : { outcomes: [true], found: "configured" },
      );
    });
  }

  const failures = {
    "does not run": {
      program: "#!/bin/false\n",
      why: (path: string) =>
        `Codex at ${path} did not run. Run "codex --version" in a terminal, mend what it says and try again.`,
    },
    "ends before it answers": {
      program: fakeCodex({ onStart: "process.exit(3);" }),
      why: (path: string) =>
        `Codex at ${path} ended before it answered. Run "codex" in a terminal, mend what it says and try again.`,
    },
    "does not do what it was asked to": {
      program: fakeCodex().replace("writeFileSync(file,", "writeFileSync(file + 2,"),
      why: (_: string, config: string) =>
        `Codex did not write ${config} as it was asked to, so it was left as it is. Update Codex and try again.`,
    },
    "refuses the file": {
      program: fakeCodex().replace(`"config/read": () =>`, `"config/read": () => nothing ||`),
      why: (_: string, config: string) =>
        `Codex does not accept ${config} as it is (line 3, column 7), so it was left as it is. Mend it and try again.`,
    },
  };
  for (const [name, { program, why }] of Object.entries(failures)) {
    it(`says so when Codex ${name}, and changes nothing`, async () => {
      await world.addProgram("codex", program);
      await world.write(file, `{"model": "gpt-5.5"}`);
      assert.deepStrictEqual(
        [await apply(), await world.read(file), world.undoStore.records.size, world.logged],
        [refused(why(join(world.bin, "codex"), world.path(file))), `{"model": "gpt-5.5"}`, 0, []],
      );
    });
  }

  it("says when it is nowhere", async () => {
    const nowhere = "Neither Codex's command line nor its VS Code extension was found. Install one and try again.";
    assert.deepStrictEqual([await apply(), (await world.setup.detect())[1]?.state], [refused(nowhere), "not-found"]);
  });

  it("takes the program that the VS Code extension brings for this system", async () => {
    const extension = world.path("extensions/openai.chatgpt-1");
    const system = process.platform === "darwin" ? "macos" : process.platform;
    const processor = process.arch === "arm64" ? "aarch64" : "x86_64";
    for (const folder of [`${system}-${processor}`, "windows-x86_64", "linux-riscv"]) {
      await mkdir(join(extension, "bin", folder), { recursive: true });
      const program = join(extension, "bin", folder, "codex");
      await writeFile(program, fakeCodex());
      await chmod(program, 0o755);
    }
    const found = await world
      .restarted({ extensionFolder: (id) => (id === "openai.chatgpt" ? extension : undefined) })
      .detect();
    assert.equal(
      found[1]?.detail,
      `Version 0.169.0, found at ${join(extension, "bin", `${system}-${processor}`, "codex")}.`,
    );
  });

  it("stops when the person cancels while Codex is at work, and ends it", async () => {
    await world.addProgram(
      "codex",
      fakeCodex({
        onStart: `writeFileSync(process.env.HOME + "/pid", String(process.pid)); setInterval(() => {}, 1000); return;`,
      }),
    );
    const cancel = new AbortController();
    const applying = world.setup.apply(["codex"], cancel.signal);
    const pid = await eventually(() => world.read("pid"));
    cancel.abort();
    await assert.rejects(applying, { name: "CancelledError" });
    assert.throws(() => process.kill(Number(pid), 0), { code: "ESRCH" });
    assert.equal(await world.read(file), undefined);
  });

  it("writes to the folder that CODEX_HOME names", async () => {
    await world.addProgram("codex", fakeCodex());
    const setup = world.restarted({ env: { ...world.deps.env, CODEX_HOME: world.path("elsewhere") } });
    const outcomes = await setup.apply(["codex"]);
    assert.deepStrictEqual(
      outcomes.map((outcome) => outcome.ok && outcome.changed),
      [[world.path("elsewhere/config.toml")]],
    );
  });
});

/** What another process leaves, within ten seconds. */
async function eventually(look: () => Promise<string | undefined>): Promise<string> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== "") return found;
    if (Date.now() > deadline) throw new Error("It did not come about within ten seconds.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
