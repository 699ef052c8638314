import assert from "node:assert/strict";
import { appendFile, chmod, readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { catalogue } from "../../../extension/tools/catalogue.ts";
import { installedVersions, withProvenTable } from "../../tools/proven-table.ts";
import { createToolWorld } from "./tool-world.ts";
import type { ToolWorld } from "./tool-world.ts";

// golden/<tool>/<state>/before and after: home folders before and after the set-up. `{{home}}` stands for the home's path.
const folder = fileURLToPath(new URL("golden", import.meta.url));

/** Tested beside their own files: Claude Code's states are there, Codex edits its file itself, and the others have none. */
const elsewhere: readonly string[] = ["claude-code", "codex", "copilot-cli", "roo-code", "zoo-code"];

describe("the catalogue of tools", () => {
  it("stands in the README with the versions that were proven", async () => {
    const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
    assert.equal(readme, await withProvenTable(readme), "npm run test:further-tools writes the table anew");
  });

  it("names the versions that the tests install", async () => {
    const versions = await installedVersions();
    const proofs = catalogue.flatMap(({ proof }) => ("package" in proof ? [proof] : []));
    assert.deepStrictEqual(
      proofs.map((proof) => [proof.package, versions.get(proof.program ?? proof.package)]),
      proofs.map((proof) => [proof.package, proof.versions.at(-1)]),
    );
  });
});

describe("what is written to a tool's files", () => {
  let world: ToolWorld;

  beforeEach(async () => {
    world = await createToolWorld();
  });

  afterEach(() => world.remove());

  async function tree(root: string): Promise<Record<string, string>> {
    const files = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const entries = files
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const text = await readFile(join(parentPath, name), "utf8");
        return [relative(root, join(parentPath, name)), text.replaceAll("{{home}}", world.home)] as const;
      });
    return Object.fromEntries((await Promise.all(entries)).toSorted(([left], [right]) => left.localeCompare(right)));
  }

  for (const entry of catalogue.filter((tool) => !elsewhere.includes(tool.id))) {
    const { id, label } = entry;
    describe(label, () => {
      let states: readonly string[] = [];

      before(async () => {
        states = await readdir(join(folder, id));
      });

      async function forEachState(check: (state: string) => Promise<void>): Promise<void> {
        assert.ok(states.length >= 2, `golden/${id} has ${states.length} states`);
        for (const state of states) {
          for (const [name, text] of Object.entries(await tree(join(folder, id, state, "before")))) {
            await world.write(name, text);
          }
          await check(state);
          await world.remove();
          world = await createToolWorld();
        }
      }

      it("is what its golden folder says, twice changes nothing, and undo restores every byte", async () => {
        await forEachState(async (state) => {
          const begun = await tree(world.home);
          const outcomes = [...(await world.setup.apply([id])), ...(await world.setup.apply([id]))];
          const applied = await tree(world.home);
          const left = await world.setup.verify([id]).then(() => tree(world.home));
          await world.setup.undo([id]);
          assert.deepStrictEqual(
            {
              applied,
              left,
              again: outcomes.map((outcome) => (outcome.ok ? outcome.changed.length > 0 : outcome.message)),
              undone: await tree(world.home),
              folders: (await readdir(world.home)).toSorted(),
              records: world.undoStore.records.size,
            },
            {
              applied: await tree(join(folder, id, state, "after")),
              left: applied,
              again: [true, false],
              undone: begun,
              folders: [
                ...new Set(["programs", ...Object.keys(begun).map((name) => name.split("/")[0] ?? "")]),
              ].toSorted(),
              records: 0,
            },
            `${id}: ${state}`,
          );
        });
      });

      it("is shown beforehand file by file, without the key and without the person's own secrets", async () => {
        await forEachState(async (state) => {
          const begun = await tree(world.home);
          const previews = await world.setup.preview(id);
          const untouched = await tree(world.home);
          await world.setup.apply([id]);
          const applied = await tree(world.home);
          const changed = Object.keys(applied).filter((name) => applied[name] !== begun[name]);
          const hidden = (text = ""): string =>
            text.replaceAll(/(?<!v1-)sk-[\w-]{8,}/g, (key) =>
              key.endsWith("-tools") ? "<the key's secret>" : "<a secret of yours>",
            );
          assert.deepStrictEqual(
            {
              untouched,
              shown: previews.map(({ file, before, after }) => [relative(world.home, file), before, after]).toSorted(),
              left: (await world.setup.preview(id)).length,
            },
            {
              untouched: begun,
              shown: changed.map((name) => [name, hidden(begun[name]), hidden(applied[name])]).toSorted(),
              left: 0,
            },
            `${id}: ${state}`,
          );
        });
      });

      it("is taken out value by value when somebody else has written to the files", async () => {
        await forEachState(async (state) => {
          const begun = await tree(world.home);
          await world.setup.apply([id]);
          for (const [name, json] of world.undoStore.records) {
            const { writtenHash: _, ...record } = Object(JSON.parse(json));
            world.undoStore.records.set(name, JSON.stringify(record));
          }
          await world.setup.undo([id]);
          assert.deepStrictEqual(await tree(world.home), begun, `${id}: ${state}`);
        });
      });

      it("names the helper's and OpenRouter's new places and the new key, and still undoes every byte", async () => {
        await forEachState(async (state) => {
          const begun = await tree(world.home);
          await world.setup.apply([id]);
          const moved = world.restarted({
            helperCommand: "/opt/or-key",
            openRouterUrl: "https://gateway.example/api/v1",
            readKey: async () => "sk-or-v1-rotated",
          });
          await moved.refresh();
          const files = await tree(world.home);
          await moved.undo([id]);
          const isOld = /Application Support|sk-or-v1-tools|openrouter\.ai/.test(Object.values(files).join("\n"));
          assert.deepStrictEqual(
            {
              isOld,
              hasMoved: JSON.stringify(files).includes("https://gateway.example/api/v1"),
              left: await tree(world.home),
            },
            { isOld: false, hasMoved: true, left: begun },
            `${id}: ${state}`,
          );
        });
      });

      it("shows nobody the key beforehand, and keeps a file with the key to its owner until undo", async () => {
        const plan = await world.setup.plan([id]);
        assert.ok(plan.length > 0);
        assert.doesNotMatch(JSON.stringify(plan), /sk-or-/);
        const own = entry.files(world.deps).filter(({ holdsKey, isWanted }) => holdsKey && isWanted !== false);
        const modes = () => Promise.all(own.map(async ({ file }) => (await stat(file)).mode & 0o777));
        for (const { file } of own) {
          await world.write(relative(world.home, file), file.endsWith(".json") ? "{}" : "");
          await chmod(file, 0o644);
        }
        await world.setup.apply([id]);
        assert.doesNotMatch(world.logged.join("\n"), /sk-or-/);
        const kept = await modes();
        await world.setup.undo([id]);
        const undone = await modes();
        // Also when somebody else has written to the file, but not when they have set its bits.
        await world.setup.apply([id]);
        for (const { file } of own) await appendFile(file, "\n");
        await world.setup.undo([id]);
        const rewritten = await modes();
        await world.setup.apply([id]);
        for (const { file } of own) await chmod(file, 0o640);
        await world.setup.undo([id]);
        const all = (mode: number) => own.map(() => mode);
        assert.deepStrictEqual([kept, undone, rewritten, await modes()], [0o600, 0o644, 0o644, 0o640].map(all));
      });
    });
  }
});
