import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, lstat, mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ToolSetup } from "../../../extension/tools/tool-setup.ts";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

const file = ".claude/settings.json";

// Where the set-up writes, and where it does not: seen with Claude Code, the same for every tool.
describe("a tool's file in the home folder", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
  });

  afterEach(() => world.remove());

  const apply = () => world.setup.apply(["claude-code"]);
  const undo = () => world.setup.undo(["claude-code"]);
  const refused = (message: string) => [{ id: "claude-code", label: "Claude Code", ok: false, message }];

  describe("is left as it is, and the person told what to do, with", () => {
    it("a folder that may not be written to", async () => {
      await world.write(file, "{}");
      await chmod(world.path(".claude"), 0o555);
      await chmod(world.home, 0o755);
      const outcomes = await asOrdinaryUser(apply);
      await chmod(world.path(".claude"), 0o755);
      assert.deepStrictEqual(
        [outcomes, await world.read(file), world.undoStore.records.size],
        [
          refused(
            `Could not change ${world.path(file)}: you have no permission. Give yourself the right to write there and try again.`,
          ),
          "{}",
          0,
        ],
      );
    });

    it("a file in the place of its folder", async () => {
      await world.write(".claude", "");
      assert.deepStrictEqual(
        await apply(),
        refused(
          `Could not change ${world.path(file)}: a file stands where its folder should be. Move it away and try again.`,
        ),
      );
    });
  });

  describe("and links", () => {
    let outside = "";

    beforeEach(async () => {
      outside = await mkdtemp(join(tmpdir(), "outside-"));
      await mkdir(world.path(".claude"));
    });

    afterEach(() => rm(outside, { recursive: true }));

    it("writes through a link that stays in the home folder, and keeps the link", async () => {
      await world.write("dotfiles/settings.json", "{}");
      await symlink("../dotfiles/settings.json", world.path(file));
      await apply();
      const applied = await world.read("dotfiles/settings.json");
      await undo();
      assert.deepStrictEqual(
        {
          link: await readlink(world.path(file)),
          isWritten: applied?.includes("apiKeyHelper"),
          left: await world.read("dotfiles/settings.json"),
        },
        { link: "../dotfiles/settings.json", isWritten: true, left: "{}" },
      );
    });

    it("does not follow a link to a file outside the home folder", async () => {
      await writeFile(join(outside, "settings.json"), "{}");
      await symlink(join(outside, "settings.json"), world.path(file));
      assert.deepStrictEqual(
        [await apply(), await world.read(file)],
        [
          refused(
            `${world.path(file)} leads to a place outside your home folder, so it was left as it is. Replace the link by a file and try again.`,
          ),
          "{}",
        ],
      );
    });

    it("does not follow a folder that is a link to a place outside the home folder", async () => {
      await rm(world.path(".claude"), { recursive: true });
      await symlink(outside, world.path(".claude"));
      assert.deepStrictEqual(
        [await apply(), await readdir(outside)],
        [
          refused(
            `${world.path(file)} leads to a place outside your home folder, so it was left as it is. Replace the link by a file and try again.`,
          ),
          [],
        ],
      );
    });

    for (const target of [".bashrc", "nowhere.json"]) {
      it(`does not write through a link to ${target}`, async () => {
        await world.write(".bashrc", "");
        await symlink(world.path(target), world.path(file));
        assert.deepStrictEqual(
          [await apply(), await world.read(".bashrc"), (await readdir(world.home)).toSorted()],
          [
            refused(
              `${world.path(file)} is a link to something else, so it was left as it is. Replace it by a file and try again.`,
            ),
            "",
            [".bashrc", ".claude", "programs"],
          ],
        );
      });
    }

    it("does not hang on links in a circle", async () => {
      await symlink("settings.json", world.path(file));
      assert.deepStrictEqual(
        await apply(),
        refused(
          `Could not change ${world.path(file)}: its links lead in a circle. Replace them by a file and try again.`,
        ),
      );
    });

    it("writes to the folder that CLAUDE_CONFIG_DIR names, wherever that is", async () => {
      const setup = world.restarted({ env: { ...world.deps.env, CLAUDE_CONFIG_DIR: join(outside, "claude") } });
      const applied = await setup.apply(["claude-code"]);
      const files = await readdir(join(outside, "claude"));
      await setup.undo(["claude-code"]);
      assert.deepStrictEqual(
        [applied.map((outcome) => outcome.ok && outcome.changed), files, await readdir(outside)],
        [[[join(outside, "claude", "settings.json")]], ["settings.json"], []],
      );
    });

    it("puts the old place back when the person has moved Claude Code's folder", async () => {
      await world.write(file, `{ "theme": "dark" }`);
      await apply();
      const setup = world.restarted({ env: { ...world.deps.env, CLAUDE_CONFIG_DIR: outside } });
      await setup.apply(["claude-code"]);
      assert.deepStrictEqual(
        [await world.read(file), await readdir(outside)],
        [`{ "theme": "dark" }`, ["settings.json"]],
      );
    });
  });

  describe("and git", () => {
    let setup: ToolSetup;

    beforeEach(() => {
      setup = world.restarted({ env: { ...world.deps.env, PATH: process.env["PATH"] } });
      execFileSync("git", ["init", "--quiet", world.home]);
    });

    const git = (...args: string[]) => execFileSync("git", ["-C", world.home, ...args], { stdio: "pipe" });

    it("does not write a file that a repository of dot-files in the home folder would commit", async () => {
      const refusal = refused(
        `${world.path(file)} is in the git work tree ${world.home} and not ignored there, so it was left as it is. ` +
          `Add /${file} to its .gitignore (and run "git rm --cached ${file}" if git knows the file), then try again.`,
      );
      const untracked = await setup.apply(["claude-code"]);
      await world.write(".gitignore", `/${file}\n`);
      const ignored = await setup.apply(["claude-code"]);
      git("add", "--force", file);
      await world.write(file, "{}");
      const tracked = await setup.apply(["claude-code"]);
      git("rm", "--cached", "--quiet", "--force", file);
      const again = await setup.apply(["claude-code"]);
      assert.deepStrictEqual(
        [untracked, ignored.map(({ ok }) => ok), tracked, again.map(({ ok }) => ok)],
        [refusal, [true], refusal, [true]],
      );
    });

    it("does not write where git cannot be asked", async () => {
      await world.write(".gitignore", `/${file}\n`);
      const outcomes = await apply();
      assert.deepStrictEqual([outcomes.map(({ ok }) => ok), await world.read(file)], [[false], undefined]);
    });

    it("takes its values out also where git would see it", async () => {
      await world.write(".gitignore", "*\n");
      await setup.apply(["claude-code"]);
      await rm(world.path(".gitignore"));
      await setup.undo(["claude-code"]);
      await assert.rejects(lstat(world.path(file)), { code: "ENOENT" });
    });
  });

  describe("while somebody else writes the file", () => {
    it("begins again with what is there, and loses nothing", async () => {
      await world.write(file, `{ "theme": "dark" }`);
      let writes = 0;
      const setup = world.restarted({
        undoStore: {
          ...world.undoStore,
          // The record is stored between reading and writing: here another program comes in between, once.
          async put(id, json) {
            await world.undoStore.put(id, json);
            if (++writes === 1) await world.write(file, `{ "theme": "light" }`);
          },
        },
      });
      const outcomes = await setup.apply(["claude-code"]);
      const applied: unknown = JSON.parse(utf8(await world.read(file)));
      await setup.undo(["claude-code"]);
      assert.deepStrictEqual(
        {
          ok: outcomes.map(({ ok }) => ok),
          writes,
          theme: Object.entries(Object(applied))[0],
          left: await world.read(file),
        },
        { ok: [true], writes: 2, theme: ["theme", "light"], left: `{ "theme": "light" }` },
      );
    });

    it("gives up after three times and says so", async () => {
      await world.write(file, "{}");
      let writes = 0;
      const setup = world.restarted({
        undoStore: {
          ...world.undoStore,
          async put(id, json) {
            await world.undoStore.put(id, json);
            await world.write(file, `{ "n": ${++writes} }`);
          },
        },
      });
      assert.deepStrictEqual(
        [await setup.apply(["claude-code"]), await world.read(file), world.undoStore.records.size],
        [
          refused(
            `${world.path(file)} is being changed by another program. Close the tool that uses it and try again.`,
          ),
          `{ "n": 3 }`,
          0,
        ],
      );
    });
  });
});

function utf8(text: string | undefined): string {
  return Buffer.from(text ?? "", "latin1").toString("utf8");
}

/** Root may write everywhere, so a test about permission runs as somebody else where it is root that runs it. */
async function asOrdinaryUser<T>(step: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return step();
  process.seteuid?.(65_534);
  try {
    return await step();
  } finally {
    process.seteuid?.(0);
  }
}
