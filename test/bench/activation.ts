import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as z from "zod/mini";

import { ensureHost } from "../host/setup.ts";
import { buildSuite, runSuite } from "../host/run-suite.ts";
import type { Line } from "./report.ts";
import { line } from "./report.ts";

const starts = 10;

const Times = z.object({ load: z.number(), activate: z.number() });
const Activation = z.object({ ours: Times, github: Times });

/** Starts VS Code ten times, and compares the extension as it is built with VS Code's own GitHub sign-in in each. */
export async function measureActivation(): Promise<readonly Line[]> {
  await ensureHost();
  const suitePath = await buildSuite();
  const found: z.infer<typeof Activation>[] = [];
  for (let start = 0; start < starts; start += 1) {
    const scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-activation-"));
    try {
      const file = join(scratch, "activation.json");
      const outcome = await runSuite({
        suitePath,
        extensionPath: join(import.meta.dirname, "../.."),
        folder: join(scratch, "folder"),
        home: join(scratch, "home"),
        env: { TEST_ACTIVATION: file },
        grep: "The extension's start",
      });
      if (!outcome.ok) {
        const messages = outcome.failures.map(({ message }) => message).join("; ");
        throw new Error(`VS Code's times could not be read: ${outcome.reason}. ${messages}`);
      }
      found.push(Activation.parse(JSON.parse(await readFile(file, "utf8"))));
    } finally {
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    }
  }
  const whole = ({ load, activate }: z.infer<typeof Times>): number => load + activate;
  return [
    line(
      "activation: VS Code's GitHub sign-in, with loading",
      "ms",
      found.map(({ github }) => whole(github)),
    ),
    line(
      "activation: the extension, with loading",
      "ms",
      found.map(({ ours }) => whole(ours)),
    ),
    line(
      "activation: the extension, without loading",
      "ms",
      found.map(({ ours }) => ours.activate),
    ),
  ];
}
