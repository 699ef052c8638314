import { setTimeout as delay } from "node:timers/promises";

import { compose } from "../compose.ts";
import type { NightlySummary } from "../services/run-nightly.ts";
import { endWithFaults, log, nightlyMs, withMeans } from "./node-means.ts";

/** A run that was killed keeps others out for 20 seconds; a scheduler that starts this should not miss its night for it. */
const patienceMs = 25_000;

/** The scheduled trigger once. Exit 0: done. 1: failed. 2: it waits for an administrator's approval. */
await endWithFaults(async () => {
  let summary: NightlySummary | undefined;
  await withMeans(process.env, async (settings, means) => {
    const { runNightly } = compose(settings, { ...means, addressOf: () => "", afterAnswer: () => undefined });
    const signal = AbortSignal.timeout(nightlyMs);
    const begun = means.clock();
    do {
      if (summary !== undefined) await delay(1_000);
      summary = await runNightly(signal);
    } while ("skipped" in summary && summary.skipped === "running" && means.clock() - begun < patienceMs);
    log({ event: "nightly", ...summary });
  });
  return summary !== undefined && "tripped" in summary && summary.tripped && summary.mode === "enforce" ? 2 : 0;
});
