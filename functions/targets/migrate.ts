import { endWithFaults, log, withMeans } from "./node-means.ts";

/** Brings the database up to date, for hosts that have no files to read migrations from. Repeatable, and safe twice at once. */
await endWithFaults(async () => {
  await withMeans(process.env, async () => log({ event: "migrated" }));
  return 0;
});
