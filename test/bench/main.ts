// `npm run bench`: the function on a real PostgreSQL against its own floor, in one run. `--strict` fails on a missed
// target, `--only create` measures one group.
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";

import { measures } from "./measures.ts";
import type { Line } from "./report.ts";
import { asTable } from "./report.ts";
import { openStage } from "./stage.ts";

const { values } = parseArgs({ options: { strict: { type: "boolean", default: false }, only: { type: "string" } } });
const chosen = measures.filter(({ name }) => values.only === undefined || name === values.only);
if (chosen.length === 0) {
  console.error(`--only takes one of ${measures.map(({ name }) => name).join(", ")}.`);
  process.exit(2);
}

const started = performance.now();
const lines: Line[] = [];
const stage = await openStage();
try {
  for (const { name, run } of chosen) {
    console.error(`measuring ${name} …`);
    lines.push(...(await run(stage)));
  }
} finally {
  await stage.close();
}

const seconds = Math.round((performance.now() - started) / 1000);
const machine = {
  node: process.version,
  cores: availableParallelism(),
  load: loadavg().map((load) => load.toFixed(1)),
};
await mkdir("dist", { recursive: true });
await writeFile(
  "dist/bench.json",
  `${JSON.stringify({ at: new Date().toISOString(), seconds, machine, lines }, null, 2)}\n`,
);

const missed = lines.filter(({ isMet }) => isMet === false).length;
console.log(`\n${asTable(lines)}\n`);
console.log(
  `Node ${machine.node}, ${machine.cores} cores shared with the measuring itself, load ${machine.load.join(" ")}; ${seconds} s.`,
);
console.log(missed === 0 ? "All targets met." : `${missed} targets missed.`);
process.exitCode = values.strict && missed > 0 ? 1 : 0;
