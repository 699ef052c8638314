import { spawn } from "node:child_process";

import { ensureHost } from "./host/setup.ts";
import { ensureTools } from "./tools/setup.ts";

/** Every test that needs no account, one kind after the other; a kind that fails does not keep the next from running. */
interface Stage {
  readonly name: string;
  readonly words: readonly string[];
}

const mocha = "node_modules/mocha/bin/mocha.js";
const stages: readonly Stage[] = [
  { name: "bundles", words: ["esbuild.config.mjs"] },
  { name: "units, and the function on PGlite and PostgreSQL", words: [mocha, "--config", "test/mocharc.json"] },
  { name: "a suite inside the extension host", words: ["test/host/run-suite.ts"] },
  {
    name: "the workbench, as a person uses it",
    words: [mocha, "--no-config", "--timeout", "120000", "test/host/*.ui.ts"],
  },
  {
    name: "the coding tools' own command lines",
    words: [mocha, "--no-config", "--timeout", "900000", "test/tools/*.test.ts"],
  },
];

interface Outcome {
  readonly code: number | null;
  readonly passed: number;
  readonly failed: number;
}

function run({ words }: Stage): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      output += data.toString();
      process.stdout.write(data);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      resolve({ code, passed: count(output, "(?:passing|passed)"), failed: count(output, "(?:failing|failed)") });
    });
  });
}

/** From the runners' closing lines: "12 passing (3s)" and "12 passed, 0 failed". */
function count(output: string, what: string): number {
  const found = [...output.matchAll(new RegExp(String.raw`(?:^|, ?)\s*(\d+) ${what}\b`, "gm"))];
  return Number(found.at(-1)?.[1] ?? 0);
}

const only = process.argv[2];
const chosen = stages.filter(({ name }) => only === undefined || name.includes(only));
if (chosen.length === 0)
  throw new Error(`No kind of test is called ${only ?? ""}: ${stages.map(({ name }) => name).join("; ")}.`);

// What the later kinds need is fetched while the first ones run; a fault shows when it is needed.
const fetching = Promise.allSettled([ensureHost(), ensureTools()]);
let [passed, failed] = [0, 0];
const rows: string[] = [];
for (const stage of chosen) {
  console.log(`\n── ${stage.name} ──`);
  if (stage.name !== "bundles" && !stage.name.startsWith("units")) await fetching;
  const begun = performance.now();
  const outcome = await run(stage);
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  passed += outcome.passed;
  // A runner that fails without counting a failure has failed all the same.
  failed += outcome.code === 0 ? outcome.failed : Math.max(1, outcome.failed);
  rows.push(
    `${outcome.code === 0 ? "✔" : "✘"} ${stage.name}: ${outcome.passed} passed, ${outcome.failed} failed, ${seconds} s`,
  );
}
console.log(`\n${rows.join("\n")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
