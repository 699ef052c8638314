import { parseArgs } from "node:util";

import { closeDatabases, databaseKinds } from "../support/databases.ts";
import { torture } from "./torture.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string", default: "1" },
  },
});
const [seed, minutes] = [Number(values.seed), Number(values.minutes)];
if (!Number.isSafeInteger(seed) || !(minutes > 0)) {
  console.error("--seed takes a whole number and --minutes a number above 0.");
  process.exit(2);
}

console.log(`seed ${seed}, ${minutes} minutes, PostgreSQL`);
const deadline = performance.now() + minutes * 60_000;
const { broken, found, rounds } = await torture({
  opened: await databaseKinds[1].openWithView(),
  seed,
  isOver: () => performance.now() > deadline,
});
await closeDatabases();
console.log(`${rounds} rounds. Broken:`);
for (const [what, times] of [...broken].toSorted()) console.log(`  ${String(times).padStart(6)} × ${what}`);
for (const fault of found) console.log(`✘ ${fault}`);
console.log(found.length === 0 ? `Nothing was found. Seed ${seed}` : `${found.length} faults were found. Seed ${seed}`);
process.exitCode = found.length === 0 ? 0 : 1;
