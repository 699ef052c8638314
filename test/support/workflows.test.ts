import assert from "node:assert/strict";
import { access, readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { parse } from "yaml";
import * as z from "zod/mini";

const folder = ".github/workflows";
const Step = z.object({
  uses: z.optional(z.string()),
  run: z.optional(z.string()),
  with: z.optional(z.record(z.string(), z.unknown())),
});
const Workflow = z.object({
  // Nothing unless a job asks for it.
  permissions: z.record(z.string(), z.never()),
  jobs: z.record(
    z.string(),
    z.object({ permissions: z.record(z.string(), z.string()), "timeout-minutes": z.number(), steps: z.array(Step) }),
  ),
});
type Job = z.infer<typeof Workflow>["jobs"][string];

describe("the workflows for GitHub", () => {
  async function jobs(): Promise<readonly (Job & { readonly name: string })[]> {
    const files = await readdir(folder);
    const read = files.map(async (file) => {
      const workflow = Workflow.parse(parse(await readFile(join(folder, file), "utf8")));
      return Object.entries(workflow.jobs).map(([name, job]) => ({ ...job, name: `${file}: ${name}` }));
    });
    return (await Promise.all(read)).flat();
  }

  it("run only actions that are pinned by commit, and keep no credentials in what they check out", async () => {
    const faults: string[] = [];
    for (const file of await readdir(folder)) {
      for (const line of (await readFile(join(folder, file), "utf8")).split("\n")) {
        if (line.includes("uses:") && !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
          faults.push(line);
      }
    }
    for (const { name, steps } of await jobs()) {
      for (const { uses, with: options } of steps) {
        if (uses?.startsWith("actions/checkout@") === true && options?.["persist-credentials"] !== false)
          faults.push(name);
      }
    }
    assert.deepStrictEqual(faults, []);
  });

  it("let only the job that releases write, which runs nothing of the project", async () => {
    const writers = (await jobs()).filter(({ permissions }) => Object.values(permissions).includes("write"));
    assert.deepStrictEqual(
      writers.map(({ name }) => name),
      ["release.yml: release"],
    );
    const words = writers.flatMap(({ steps }) => steps.map(({ run = "", uses = "" }) => `${run}${uses}`)).join("\n");
    assert.doesNotMatch(words, /npm|node |checkout/);
  });

  it("run what a submission must pass, and commands that there are", async () => {
    const { scripts, engines } = z
      .object({ scripts: z.record(z.string(), z.string()), engines: z.object({ vscode: z.string() }) })
      .parse(JSON.parse(await readFile("package.json", "utf8")));
    const all = (await jobs()).flatMap(({ steps }) => steps.flatMap(({ run = "" }) => run.split("\n")));
    const named = all.flatMap((line) => [...line.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = ""]) => name));
    assert.deepStrictEqual(
      named.filter((name) => !(name in scripts)),
      [],
    );
    const submission = (await readFile(".ci/run", "utf8")).split("\n").filter((line) => line.startsWith("npm "));
    for (const line of submission) assert.ok(all.includes(line), line);
    // The oldest editor that the manifest takes is one of those it is tried in.
    const check = await readFile(join(folder, "check.yml"), "utf8");
    assert.ok(check.includes(`"${engines.vscode.replace("^", "")}"`));
  });

  it("have each folder with dependencies looked after", async () => {
    const Dependabot = z.object({
      updates: z.array(z.object({ directory: z.optional(z.string()), directories: z.optional(z.array(z.string())) })),
    });
    const { updates } = Dependabot.parse(parse(await readFile(".github/dependabot.yml", "utf8")));
    const folders = updates.flatMap(({ directory, directories = [] }) => [...directories, ...[directory ?? []].flat()]);
    for (const each of folders) await access(join(".", each));
    assert.ok(["/", "/test/host", "/test/tools", "/functions/deploy"].every((each) => folders.includes(each)));
  });
});
