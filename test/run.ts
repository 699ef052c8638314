import { spawn } from "node:child_process";

import { ensureHost } from "./host/setup.ts";
import { ensureTools } from "./tools/setup.ts";

/**
 * Every test that needs no account, in three lanes side by side that take about equally long on two cores. A kind that
 * fails does not keep the next from running.
 */
interface Stage {
  readonly name: string;
  /** "first" comes before the others. */
  readonly lane: "first" | "function" | "crashes" | "editor";
  readonly needs?: readonly ("editor" | "tools")[];
  readonly words: readonly string[];
}

const mocha = "node_modules/mocha/bin/mocha.js";
const units = [mocha, "--config", "test/mocharc.json"];
const inWorkbench = [mocha, "--no-config", "--timeout", "120000"];
/** Of the function's suites those that start and kill processes most of the time. */
const crashes = ["test/functions/crash/**", "test/functions/targets/**"];
/** Of the workbench's suites those about signing in; what is not named here is of every day. */
const signingIn = ["bad-input", "interrupted", "microsoft", "own-page", "sign-in"].map(
  (name) => `test/host/${name}.ui.ts`,
);
const stages: readonly Stage[] = [
  { name: "bundles", lane: "first", words: ["esbuild.config.mjs"] },
  {
    name: "the function on PGlite and PostgreSQL",
    lane: "function",
    words: [...units, ...["test/extension/**", "test/support/**", ...crashes].flatMap((file) => ["--ignore", file])],
  },
  {
    name: "the function as processes that start and die",
    lane: "crashes",
    words: [
      ...units,
      ...[
        "test/extension/**",
        "test/support/**",
        "test/functions/{adapters,http,policy,services}/**",
        "test/functions/*.test.ts",
      ].flatMap((file) => ["--ignore", file]),
    ],
  },
  {
    name: "the workbench, signing in and going wrong",
    lane: "editor",
    needs: ["editor"],
    words: [...inWorkbench, ...signingIn],
  },
  {
    name: "the extension's logic and the stand-ins",
    lane: "function",
    words: [...units, "--ignore", "test/functions/**"],
  },
  {
    name: "a suite inside the extension host",
    lane: "editor",
    needs: ["editor"],
    words: ["test/host/run-suite.ts"],
  },
  {
    name: "the workbench, day by day",
    lane: "editor",
    needs: ["editor"],
    words: [...inWorkbench, ...signingIn.flatMap((file) => ["--ignore", file]), "test/host/*.ui.ts"],
  },
  {
    name: "the coding tools' own command lines",
    lane: "editor",
    needs: ["tools"],
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

// What some kinds need is fetched while others run; a fault shows when it is needed.
const fetched = { editor: ensureHost(), tools: ensureTools() };
for (const fetching of Object.values(fetched)) fetching.catch(() => undefined);
let [passed, failed] = [0, 0];
const rows: string[] = [];

async function runLane(lane: readonly Stage[], isAlone: boolean): Promise<void> {
  for (const stage of lane) {
    await Promise.allSettled((stage.needs ?? []).map((need) => fetched[need]));
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

const lanes = (["function", "crashes", "editor"] as const)
  .map((lane) => chosen.filter((stage) => stage.lane === lane))
  .filter((lane) => lane.length > 0);
await runLane(
  chosen.filter((stage) => stage.lane === "first"),
  true,
);
if (lanes.length > 1) console.log("\nSeveral kinds run side by side; each one's lines come when it has ended.");
await Promise.all(lanes.map((lane) => runLane(lane, lanes.length === 1)));
console.log(`\n${rows.join("\n")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
