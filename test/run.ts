import { spawn } from "node:child_process";

import { ensureHost } from "./host/setup.ts";
import { ensureTools } from "./tools/setup.ts";

/**
 * Every test that needs no account, in two lanes side by side that take about equally long on two cores: what needs an
 * editor, which waits for it most of the time, and what needs none. A kind that fails does not keep the next from running.
 */
interface Stage {
  readonly name: string;
  /** "first" comes before both lanes. */
  readonly lane: "first" | "no editor" | "editor";
  readonly words: readonly string[];
}

const mocha = "node_modules/mocha/bin/mocha.js";
const units = [mocha, "--config", "test/mocharc.json"];
const stages: readonly Stage[] = [
  { name: "bundles", lane: "first", words: ["esbuild.config.mjs"] },
  {
    name: "the function on PGlite and PostgreSQL",
    lane: "no editor",
    words: [...units, "--ignore", "test/extension/**", "--ignore", "test/support/**"],
  },
  {
    name: "the extension's logic and the stand-ins",
    lane: "no editor",
    words: [...units, "--ignore", "test/functions/**"],
  },
  { name: "a suite inside the extension host", lane: "editor", words: ["test/host/run-suite.ts"] },
  {
    name: "the workbench, as a person uses it",
    lane: "editor",
    words: [mocha, "--no-config", "--timeout", "120000", "test/host/*.ui.ts"],
  },
  {
    name: "the coding tools' own command lines",
    lane: "editor",
    words: [mocha, "--no-config", "--timeout", "900000", "test/tools/*.test.ts"],
  },
];

interface Outcome {
  readonly code: number | null;
  readonly passed: number;
  readonly failed: number;
}

/** Prints what it says as it comes, or, beside another lane, all of it when it has ended. */
function run({ words }: Stage, isAlone: boolean): Promise<Outcome & { readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => {
        output += data.toString();
        if (isAlone) process.stdout.write(data);
      });
    }
    child.once("error", reject);
    child.once("close", (code) => {
      const [passed, failed] = [count(output, "(?:passing|passed)"), count(output, "(?:failing|failed)")];
      resolve({ code, passed, failed, output });
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

// What the editor's kinds need is fetched while the others run; a fault shows when it is needed.
const fetching = Promise.allSettled([ensureHost(), ensureTools()]);
let [passed, failed] = [0, 0];
const rows: string[] = [];

async function runLane(lane: readonly Stage[], isAlone: boolean): Promise<void> {
  for (const stage of lane) {
    if (isAlone) console.log(`\n── ${stage.name} ──`);
    const begun = performance.now();
    const outcome = await run(stage, isAlone);
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    if (!isAlone) console.log(`\n── ${stage.name} ──\n${outcome.output}`);
    passed += outcome.passed;
    // A runner that fails without counting a failure has failed all the same.
    failed += outcome.code === 0 ? outcome.failed : Math.max(1, outcome.failed);
    rows.push(
      `${outcome.code === 0 ? "✔" : "✘"} ${stage.name}: ${outcome.passed} passed, ${outcome.failed} failed, ${seconds} s`,
    );
  }
}

const inLane = (lane: Stage["lane"]) => chosen.filter((stage) => stage.lane === lane);
const isOneLane = inLane("no editor").length === 0 || inLane("editor").length === 0;
await runLane(inLane("first"), true);
if (!isOneLane) console.log("\nTwo lanes run side by side; each kind's lines come when it has ended.");
await Promise.all([runLane(inLane("no editor"), isOneLane), fetching.then(() => runLane(inLane("editor"), isOneLane))]);
console.log(`\n${rows.join("\n")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
