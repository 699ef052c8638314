import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";

import { compose } from "../compose.ts";
import { clientAddress } from "../http/client-address.ts";
import type { Settings } from "../settings.ts";
import type { NodeMeans } from "./node-means.ts";
import { endWithFaults, log, logFailure, nightlyMs, withMeans } from "./node-means.ts";

/** Longer than any request may take. */
const drainMs = 40_000;

async function serve(settings: Settings, means: NodeMeans): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(settings.port, settings.host, resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : settings.port;
  const publicUrl = settings.port === 0 ? settings.publicUrl.replace(/:0$/, `:${port}`) : settings.publicUrl;
  const goingOn = new Set<Promise<unknown>>();
  const { app, settleDue, runNightly, hasApproval } = compose(
    { ...settings, publicUrl },
    {
      ...means,
      addressOf: (context) => clientAddress(getConnInfo(context).remote.address, context.req.header("X-Forwarded-For")),
      afterAnswer(work) {
        const done = work.catch(logFailure).finally(() => goingOn.delete(done));
        goingOn.add(done);
      },
    },
  );
  const stopping = new AbortController();
  const { signal } = stopping;
  const runOwn = () =>
    logged(signal, "nightly", () => runNightly(AbortSignal.any([signal, AbortSignal.timeout(nightlyMs)])));
  const { nightlySchedule: expression } = settings;
  const schedule =
    expression === undefined
      ? undefined
      : (await import("./schedule.ts")).createSchedule({ ...means, expression, run: runOwn });

  server.on("request", getRequestListener(app.fetch));
  const shown = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  process.stdout.write(`listening on http://${shown}:${port}\n`);
  const working = [
    everyMinute(means, signal, async () => {
      await logged(signal, "settled", () => settleDue(signal));
      // Where an outside scheduler calls, it is the one to act on an approval.
      if (schedule !== undefined && (await hasApproval().catch(() => false))) await runOwn();
    }),
    schedule?.(signal),
  ];

  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  stopping.abort();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.race([closed, delay(drainMs, undefined, { ref: false })]);
  server.closeAllConnections();
  await Promise.all([...working, ...goingOn]);
}

const minuteMs = 60_000;

/** Whoever has waited for the start comes first. */
const startMs = 1_000;

async function everyMinute(
  { wait, prepare }: Pick<NodeMeans, "wait" | "prepare">,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  await wait(startMs, signal).catch(() => undefined);
  if (!signal.aborted) await prepare();
  while (!signal.aborted) {
    await work();
    await wait(minuteMs, signal).catch(() => undefined);
  }
}

/** Work that no request waits for: what it did is logged, if it did anything. Never rejects. */
async function logged(signal: AbortSignal, event: string, work: () => Promise<object>): Promise<void> {
  try {
    const done = await work();
    if (Object.values(done).some((value) => value !== 0)) log({ event, ...done });
  } catch (error) {
    if (!signal.aborted) logFailure(error);
  }
}

await endWithFaults(async () => {
  await withMeans(process.env, serve);
  return 0;
});
