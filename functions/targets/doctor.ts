import { readFileSync } from "node:fs";

import { inspectEmbedded, inspectPostgres } from "../adapters/postgres/inspect.ts";
import type { Check } from "../doctor/check.ts";
import { fault } from "../doctor/check.ts";
import { examine } from "../doctor/examine.ts";
import type { Environment, Settings } from "../settings.ts";
import { SettingsError, readSettings } from "../settings.ts";
import { createNodeFetch } from "./node-fetch.ts";
import { wait } from "./host.ts";
import { endWithFaults } from "./node-means.ts";

const mostMs = 90_000;
const marks = { good: "✔", hint: "!", fault: "✘" } as const;

/** Tries every setting of a deployment and says what is wrong and how to mend it. Exit 0: nothing is. 1: something is. */
await endWithFaults(async () => {
  const checks = await check(process.env);
  for (const { about, state, found, mend } of checks) {
    process.stdout.write(`${marks[state]} ${about}: ${found}\n${mend === undefined ? "" : `    → ${mend}\n`}`);
  }
  const count = (state: Check["state"]) => checks.filter((check) => check.state === state).length;
  process.stdout.write(`${count("good")} right, ${count("hint")} to look at, ${count("fault")} wrong\n`);
  return count("fault") === 0 ? 0 : 1;
});

async function check(environment: Environment): Promise<readonly Check[]> {
  let settings: Settings;
  try {
    settings = readSettings(environment, (path) => readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.faults.map((each) =>
      fault("Settings", each, "Mend this first; the rest is tried when all can be read."),
    );
  }
  const { databaseUrl, dataDir } = settings;
  const { fetch, close } = createNodeFetch();
  try {
    return await examine(
      settings,
      environment,
      {
        fetch,
        clock: Date.now,
        wait,
        inspectDatabase: () => (databaseUrl === undefined ? inspectEmbedded(dataDir) : inspectPostgres(databaseUrl)),
      },
      AbortSignal.timeout(mostMs),
    );
  } finally {
    await close();
  }
}
