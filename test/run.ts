import { spawn } from "node:child_process";
import { join } from "node:path";

import { ensureHost } from "./host/setup.ts";
import { ensureTools } from "./tools/setup.ts";

/**
 * Every test that needs no account, in lanes side by side: more than there are cores, because a test that looks at an
 * editor or a process waits half of the time. A kind that fails does not keep the next from running.
 */
const lanesBeside = ["function", "crashes", "signing in", "day by day"] as const;

interface Stage {
  readonly name: string;
  /** "first" comes before the others. */
  readonly lane: "first" | (typeof lanesBeside)[number];
  readonly needs?: readonly ("editor" | "tools")[];
  readonly words: readonly string[];
}

const mocha = "node_modules/mocha/bin/mocha.js";
const units = [mocha, "--config", "test/mocharc.json"];
/** The same for the files that are named. */
const these = [mocha, "--no-config", "--forbid-only", "--forbid-pending", "--require", "test/support/hooks.ts"];
const inWorkbench = [...these, "--timeout", "120000"];
/** Of the function's suites those that kill it, and those that start it as its hosts do: they wait most of the time. */
const crashes = "test/functions/crash/**/*.test.ts";
const onHosts = ["hosts", "targets"].map((folder) => `test/functions/${folder}/**/*.test.ts`);
/** Of the workbench's suites those about signing in; what is not named here is of every day. */
const signingIn = ["bad-input", "interrupted", "microsoft", "own-page", "sign-in"].map(
  (name) => `test/host/${name}.ui.ts`,
);
const stages: readonly Stage[] = [
  { name: "bundles", lane: "first", words: ["esbuild.config.mjs"] },
  {
    name: "the function on PGlite and PostgreSQL",
    lane: "function",
    words: [
      ...units,
      ...["test/extension/**", "test/support/**", crashes, ...onHosts].flatMap((file) => ["--ignore", file]),
    ],
  },
  { name: "the function killed at every point", lane: "crashes", words: [...these, "--timeout", "20000", crashes] },
  {
    name: "the workbench, signing in and going wrong",
    lane: "signing in",
    needs: ["editor"],
    words: [...inWorkbench, ...signingIn],
  },
  {
    name: "a suite inside the extension host",
    lane: "day by day",
    needs: ["editor"],
    words: ["test/host/run-suite.ts"],
  },
  {
    name: "the workbench, day by day",
    lane: "day by day",
    needs: ["editor"],
    words: [...inWorkbench, ...signingIn.flatMap((file) => ["--ignore", file]), "test/host/*.ui.ts"],
  },
  {
    name: "the extension's logic and the stand-ins",
    lane: "day by day",
    words: [...units, "--ignore", "test/functions/**"],
  },
  { name: "the function on its hosts", lane: "day by day", words: [...these, "--timeout", "20000", ...onHosts] },
  {
    name: "the coding tools' own command lines",
    lane: "signing in",
    needs: ["tools"],
    words: [mocha, "--no-config", "--timeout", "900000", "test/tools/*.test.ts"],
  },
];

interface Outcome {
  readonly code: number | null;
  readonly passed: number;
  readonly failed: number;
}

/** Dozens of processes load the same sources. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(import.meta.dirname, "../node_modules/.cache/compiled") };

/** Prints what it says as it comes, or, beside another lane, all of it when it has ended. */
function run({ words }: Stage, isAlone: boolean): Promise<Outcome & { readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, { env, stdio: ["ignore", "pipe", "pipe"] });
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

const lanes = lanesBeside
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
