import assert from "node:assert/strict";
import { chmod, mkdir, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

const file = ".claude/settings.json";
const next = "Start a new session to use it; in VS Code, reload the window. It works while VS Code is open.";

describe("setting up Claude Code", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
  });

  afterEach(() => world.remove());

  const apply = () => world.setup.apply(["claude-code"]);
  const undo = () => world.setup.undo(["claude-code"]);
  const done = (changed: readonly string[]) => [
    { id: "claude-code", label: "Claude Code", ok: true, changed: changed.map(world.path), next },
  ];
  const refused = (message: string) => [{ id: "claude-code", label: "Claude Code", ok: false, message }];
  /** The helper's path holds a blank, as on macOS, and `/bin/sh` runs it. */
  const helper = (): string => JSON.stringify(`'${world.deps.helperCommand}'`);

  const ours = (unit: string, eol: string): string =>
    [
      `"env": {`,
      `${unit}"ANTHROPIC_BASE_URL": "https://openrouter.ai/api",`,
      `${unit}"ANTHROPIC_API_KEY": "",`,
      `${unit}"ANTHROPIC_AUTH_TOKEN": "",`,
      `${unit}"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"`,
      `}`,
    ].join(`${eol}${unit}`);

  /** What stands in the file before, and what stands there afterwards. */
  const states: Record<string, { before: string | undefined; after: () => string }> = {
    "no file": {
      before: undefined,
      after: () => `{\n  "apiKeyHelper": ${helper()},\n  ${ours("  ", "\n")}\n}\n`,
    },
    "an empty object": {
      before: "{}",
      after: () => `{\n  "apiKeyHelper": ${helper()},\n  ${ours("  ", "\n")}\n}`,
    },
    "settings of the person's own": {
      before: `{\n  "theme": "dark",\n  "list": [1,2,  3],\n  "permissions":   {"allow": ["Bash(ls:*)"]}\n}\n`,
      after: () =>
        `{\n  "theme": "dark",\n  "list": [1,2,  3],\n  "permissions":   {"allow": ["Bash(ls:*)"]},\n  "apiKeyHelper": ${helper()},\n  ${ours("  ", "\n")}\n}\n`,
    },
    "a helper and variables of the person's own": {
      before: `{\n    "apiKeyHelper": "~/bin/my-key",\n    "env": {\n        "FOO": "ü",\n        "ANTHROPIC_API_KEY": "sk-ant-mine"\n    },\n    "theme": "dark"\n}\n`,
      after: () =>
        `{\n    "apiKeyHelper": ${helper()},\n    "env": {\n        "FOO": "ü",\n        "ANTHROPIC_API_KEY": "",\n        "ANTHROPIC_BASE_URL": "https://openrouter.ai/api",\n        "ANTHROPIC_AUTH_TOKEN": "",\n        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"\n    },\n    "theme": "dark"\n}\n`,
    },
    tabs: {
      before: `{\n\t"env": {\n\t\t"FOO": "1"\n\t}\n}\n`,
      after: () =>
        `{\n\t"env": {\n\t\t"FOO": "1",\n\t\t"ANTHROPIC_BASE_URL": "https://openrouter.ai/api",\n\t\t"ANTHROPIC_API_KEY": "",\n\t\t"ANTHROPIC_AUTH_TOKEN": "",\n\t\t"CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"\n\t},\n\t"apiKeyHelper": ${helper()}\n}\n`,
    },
    "the line endings of Windows": {
      before: `{\r\n  "theme": "dark"\r\n}\r\n`,
      after: () => `{\r\n  "theme": "dark",\r\n  "apiKeyHelper": ${helper()},\r\n  ${ours("  ", "\r\n")}\r\n}\r\n`,
    },
    "a byte order mark": {
      before: `\uFEFF{\n  "theme": "dark"\n}\n`,
      after: () => `\uFEFF{\n  "theme": "dark",\n  "apiKeyHelper": ${helper()},\n  ${ours("  ", "\n")}\n}\n`,
    },
    "no newline at the end": {
      before: `{\n  "theme": "dark"\n}`,
      after: () => `{\n  "theme": "dark",\n  "apiKeyHelper": ${helper()},\n  ${ours("  ", "\n")}\n}`,
    },
    "everything on one line": {
      before: `{"theme":"dark","env":{}}`,
      after: () =>
        `{"theme":"dark","env":{"ANTHROPIC_BASE_URL":"https://openrouter.ai/api","ANTHROPIC_API_KEY":"","ANTHROPIC_AUTH_TOKEN":"","CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY":"1"},"apiKeyHelper":${helper()}}`,
    },
    "everything on one line, with blanks": {
      before: `{ "theme": "dark" }`,
      after: () =>
        `{ "theme": "dark", "apiKeyHelper": ${helper()}, "env": {"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "", "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1"} }`,
    },
  };

  for (const [name, { before, after }] of Object.entries(states)) {
    it(`adds its values and nothing else, twice changes nothing, and undo restores every byte: ${name}`, async () => {
      if (before !== undefined) await world.write(file, before);
      const outcomes = [await apply(), await apply()];
      const applied = await world.read(file);
      const undone = await undo();
      assert.deepStrictEqual(
        {
          outcomes,
          applied,
          undone: undone.map((outcome) => outcome.ok && outcome.changed),
          left: await world.read(file),
          records: world.undoStore.records.size,
        },
        {
          outcomes: [done([file]), done([])],
          applied: latin1(after()),
          undone: [[world.path(file)]],
          left: before === undefined ? undefined : latin1(before),
          records: 0,
        },
      );
    });

    it(`takes out only its own values when Claude Code has rewritten the file: ${name}`, async () => {
      if (before !== undefined) await world.write(file, before);
      await apply();
      const settings: unknown = JSON.parse(utf8(await world.read(file)).replace("\uFEFF", ""));
      const rewritten = JSON.stringify(Object.assign({}, settings, { tui: "fullscreen" }), null, 2);
      await world.write(file, rewritten);
      await undo();
      const original: unknown = JSON.parse((before ?? "{}").replace("\uFEFF", ""));
      assert.deepStrictEqual(
        JSON.parse(utf8(await world.read(file))),
        Object.assign({}, original, { tui: "fullscreen" }),
      );
    });
  }

  it("keeps the value that the person gave after the set-up, also through a second set-up", async () => {
    await world.write(file, `{"apiKeyHelper": "first"}`);
    await apply();
    const applied = utf8(await world.read(file));
    await world.write(file, applied.replace(/"apiKeyHelper": "[^"]*"/, `"apiKeyHelper": "second"`));
    await apply();
    await undo();
    assert.deepStrictEqual(JSON.parse(utf8(await world.read(file))), { apiKeyHelper: "second" });
  });

  it("leaves a value alone that the person has changed since", async () => {
    await apply();
    const applied = utf8(await world.read(file));
    await world.write(file, applied.replace("https://openrouter.ai/api", "https://gateway.example"));
    await undo();
    assert.deepStrictEqual(JSON.parse(utf8(await world.read(file))), {
      env: { ANTHROPIC_BASE_URL: "https://gateway.example" },
    });
  });

  it("removes the folder it made, and not one in which Claude Code has left something", async () => {
    await apply();
    await undo();
    const first = await readdir(world.home);
    await apply();
    await world.write(".claude/history", "");
    await undo();
    assert.deepStrictEqual(
      { first, second: await readdir(world.path(".claude")) },
      { first: ["programs"], second: ["history"] },
    );
  });

  it("takes its values out although the record of what was there before is lost", async () => {
    await world.write(file, `{\n  "theme": "dark"\n}\n`);
    await apply();
    world.undoStore.records.clear();
    await undo();
    assert.equal(await world.read(file), `{\n  "theme": "dark"\n}\n`);
  });

  it("changes nothing when there is nothing to undo", async () => {
    await world.write(file, `{ "apiKeyHelper": "mine" }`);
    const outcomes = await undo();
    assert.deepStrictEqual(
      [outcomes.map((outcome) => outcome.ok && outcome.changed), await world.read(file)],
      [[[]], `{ "apiKeyHelper": "mine" }`],
    );
  });

  it("makes the file private, and keeps the mode of one that is there", async () => {
    await apply();
    const created = (await stat(world.path(file))).mode & 0o777;
    await undo();
    await world.write(file, "{}");
    await chmod(world.path(file), 0o640);
    await apply();
    assert.deepStrictEqual(
      [created, (await stat(world.path(file))).mode & 0o777, await readdir(world.path(".claude"))],
      [0o600, 0o640, ["settings.json"]],
    );
  });

  it("shows beforehand what it would change, without the person's own values", async () => {
    await world.write(file, `{"env": {"ANTHROPIC_API_KEY": "sk-ant-mine", "ANTHROPIC_AUTH_TOKEN": ""}}`);
    const plan = await world.setup.plan(["claude-code"]);
    assert.deepStrictEqual(plan, [
      { file: world.path(file), setting: "apiKeyHelper", value: helper(), replaces: false },
      {
        file: world.path(file),
        setting: "env.ANTHROPIC_BASE_URL",
        value: `"https://openrouter.ai/api"`,
        replaces: false,
      },
      { file: world.path(file), setting: "env.ANTHROPIC_API_KEY", value: `""`, replaces: true },
      {
        file: world.path(file),
        setting: "env.CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY",
        value: `"1"`,
        replaces: false,
      },
    ]);
  });

  it("shows the file before and after, and no secret of the person's wherever it stands", async () => {
    const mine = `{
  "env": {"ANTHROPIC_API_KEY": "sk-ant-mine-0123", "ANTHROPIC_AUTH_TOKEN": "companytoken", "HEADERS": "X: Bearer abcdefgh"},
  "model": "opus"
}`;
    await world.write(file, mine);
    const [preview, ...others] = await world.setup.preview("claude-code");
    assert.deepStrictEqual(others, []);
    assert.strictEqual(
      preview?.before,
      mine
        .replace("sk-ant-mine-0123", "<a secret of yours>")
        .replace("companytoken", "<a secret of yours>")
        .replace("abcdefgh", "<a secret of yours>"),
    );
    assert.match(preview.after, /"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "",.*<a secret of yours>/);
    assert.ok(preview.after.includes(`"apiKeyHelper": ${helper()}`) && preview.after.includes(`"model": "opus"`));
    assert.strictEqual(await world.read(file), mine);
  });

  it("says why there is nothing to show when the file cannot be used", async () => {
    await world.write(file, "{");
    await assert.rejects(world.setup.preview("claude-code"), /is not valid JSON, so it was left as it is/);
  });

  it("takes for the person's own only what it has not written itself", async () => {
    await apply();
    const moved = world.restarted({ openRouterUrl: "https://gateway.example/api/v1" });
    assert.deepStrictEqual(
      (await moved.plan(["claude-code"])).map(({ setting, replaces }) => [setting, replaces]),
      [["env.ANTHROPIC_BASE_URL", false]],
    );
  });

  it("logs no value of the person's", async () => {
    await world.write(file, `{"env": {"ANTHROPIC_API_KEY": "sk-ant-mine"}}`);
    await apply();
    await undo();
    assert.deepStrictEqual(
      world.logged,
      [1, 2].map(() => `Claude Code: changed ${world.path(file)}`),
    );
  });

  describe("refuses, says what to do and leaves the file as it is", () => {
    const broken: Record<string, string | Buffer> = {
      "a comment": `{\n  // mine\n  "theme": "dark"\n}\n`,
      "a comma too many": `{ "theme": "dark", }`,
      "an empty file": "",
      "a list": "[]",
    };
    for (const [name, content] of Object.entries(broken)) {
      it(name, async () => {
        await world.write(file, content);
        assert.deepStrictEqual(
          [await apply(), await world.read(file), world.undoStore.records.size],
          [
            refused(
              `${world.path(file)} is not valid JSON, so it was left as it is. Mend it (it takes no comments) and try again.`,
            ),
            content,
            0,
          ],
        );
      });
    }

    const unusable = {
      "bytes that are not text": {
        content: Buffer.from([0x7b, 0xff, 0x7d]),
        why: (path: string) => `${path} is not UTF-8 text, so it was left as it is. Save it as UTF-8 and try again.`,
      },
      "variables that are no object": {
        content: Buffer.from(`{"env": "no"}`),
        why: (path: string) =>
          `"env" in ${path} is not a group of settings, so the file was left as it is. Mend it and try again.`,
      },
      "the same name twice": {
        content: Buffer.from(`{"env": {"A": "1"}, "env": {"B": "2"}}`),
        why: (path: string) =>
          `${path} has the same name twice in one place, so it was left as it is. Mend it and try again.`,
      },
    };
    for (const [name, { content, why }] of Object.entries(unusable)) {
      it(name, async () => {
        await world.write(file, content);
        assert.deepStrictEqual(
          [await apply(), await world.read(file), world.undoStore.records.size],
          [refused(why(world.path(file))), content.toString("latin1"), 0],
        );
      });
    }
  });

  describe("when VS Code starts", () => {
    it("touches nothing as long as the helper stays where it is", async () => {
      await apply();
      const before = await stat(world.path(file));
      await world.write(
        file,
        utf8(await world.read(file)).replace("https://openrouter.ai/api", "https://changed.example"),
      );
      await world.restarted({}).refresh();
      assert.deepStrictEqual(
        [(await stat(world.path(file))).ino, utf8(await world.read(file)).includes("https://changed.example")],
        [before.ino, true],
      );
    });

    it("names the helper's new place, leaves the person's changes, and still undoes every byte", async () => {
      await world.write(file, `{ "theme": "dark" }`);
      await apply();
      await world.restarted({ helperCommand: "/opt/or-key" }).refresh();
      const moved: unknown = JSON.parse(utf8(await world.read(file)));
      await undo();
      assert.deepStrictEqual(
        { helper: Object.entries(Object(moved))[1], left: await world.read(file) },
        { helper: ["apiKeyHelper", "/opt/or-key"], left: `{ "theme": "dark" }` },
      );
    });

    it("does not bring back what the person has taken out or replaced", async () => {
      await apply();
      await world.write(file, `{ "apiKeyHelper": "mine" }`);
      await world.restarted({ helperCommand: "/opt/or-key" }).refresh();
      assert.equal(await world.read(file), `{ "apiKeyHelper": "mine" }`);
    });

    it("does nothing where nothing was set up", async () => {
      await world.setup.refresh();
      assert.deepStrictEqual([await readdir(world.home), world.logged], [["programs"], []]);
    });
  });

  describe("finding it", () => {
    const detect = async () => (await world.setup.detect()).find(({ id }) => id === "claude-code");

    it("says when it is not there", async () => {
      assert.deepStrictEqual(await detect(), {
        id: "claude-code",
        label: "Claude Code",
        state: "not-found",
        detail: "Neither its command line nor its VS Code extension was found. Install one and try again.",
      });
    });

    it("says where its command line is, and when it is set up", async () => {
      await world.addProgram("claude", "#!/bin/sh\n");
      const before = await detect();
      await apply();
      assert.deepStrictEqual(
        [before, await detect()],
        [
          {
            id: "claude-code",
            label: "Claude Code",
            state: "available",
            detail: `Found at ${join(world.bin, "claude")}.`,
          },
          {
            id: "claude-code",
            label: "Claude Code",
            state: "configured",
            detail: `It uses your OpenRouter key, by ${world.path(file)}.`,
          },
        ],
      );
    });

    it("knows the extension without the command line, and its own folder for programs", async () => {
      const inEditor = await world
        .restarted({ extensionFolder: (id) => (id === "anthropic.claude-code" ? "/extensions/claude" : undefined) })
        .detect();
      await world.addProgram("claude", "");
      await mkdir(world.path(".local/bin"), { recursive: true });
      await rename(join(world.bin, "claude"), world.path(".local/bin/claude"));
      assert.deepStrictEqual(
        [inEditor[0]?.detail, (await detect())?.detail],
        ["Found at /extensions/claude.", `Found at ${world.path(".local/bin/claude")}.`],
      );
    });

    it("says what is wrong with a file that it could not change", async () => {
      await world.addProgram("claude", "");
      await world.write(file, "{,}");
      const found = await detect();
      assert.deepStrictEqual(
        [found?.state, found?.detail],
        [
          "unsupported",
          `${world.path(file)} is not valid JSON, so it was left as it is. Mend it (it takes no comments) and try again.`,
        ],
      );
    });
  });

  it("stops when the person cancels", async () => {
    const cancelled = AbortSignal.abort();
    await assert.rejects(world.setup.apply(["claude-code"], cancelled), { name: "CancelledError" });
    assert.equal(await world.read(file), undefined);
  });
});

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function utf8(text: string | undefined): string {
  return Buffer.from(text ?? "", "latin1").toString("utf8");
}
