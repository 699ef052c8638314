import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { build } from "esbuild";
import * as z from "zod/mini";
import { startWorkbench } from "./workbench.ts";

export interface SuiteOptions {
  /** The compiled suite, from `buildSuite()`. */
  readonly suitePath: string;
  readonly extensionPath: string;
  readonly folder: string;
  readonly home: string;
  /** Variables of the extension host. */
  readonly env?: Readonly<Record<string, string>>;
  readonly userSettings?: Readonly<Record<string, unknown>>;
  readonly dataDir?: string;
  /** Only tests whose title matches. */
  readonly grep?: string;
  /** After so long it hangs; 120 s unless told. */
  readonly deadlineMs?: number;
}

const results = z.object({
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  failures: z.array(z.object({ title: z.string(), message: z.string() })),
  titles: z.array(z.string()),
});

/** `ok` only if the suite came to its end, VS Code reported success, and at least one test passed and none failed. */
export type SuiteOutcome = z.infer<typeof results> & {
  readonly ok: boolean;
  /** In one sentence, why it is not ok. */
  readonly reason: string;
};

const root = join(import.meta.dirname, "../..");

/** Compiles test/host/suite into dist/test/suite.cjs, with mocha in it; answers the file. */
export async function buildSuite(): Promise<string> {
  const suite = join(import.meta.dirname, "suite");
  const outfile = join(root, "dist/test/suite.cjs");
  const built = await build({
    absWorkingDir: root,
    entryPoints: [join(suite, "index.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node22",
    // VS Code provides itself; mocha's optional parts are looked up when asked for, which nobody does.
    external: ["vscode"],
    sourcemap: "inline",
    metafile: true,
    logLevel: "error",
  });
  const bundled = Object.keys(built.metafile.inputs).join("\n");
  const missing = (await readdir(suite)).filter((file) => file.endsWith(".test.ts") && !bundled.includes(file));
  if (missing.length > 0) throw new Error(`test/host/suite/index.ts does not import ${missing.join(", ")}`);
  return outfile;
}

/** Runs a compiled suite inside a real extension host. Never throws for what the suite does. */
export async function runSuite(options: SuiteOptions): Promise<SuiteOutcome> {
  const scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-suite-"));
  const file = join(scratch, "results.json");
  const deadline = options.deadlineMs ?? 120_000;
  try {
    const workbench = await startWorkbench({
      extensionPath: options.extensionPath,
      folder: options.folder,
      home: options.home,
      dataDir: options.dataDir ?? join(scratch, "data"),
      ...(options.userSettings === undefined ? {} : { userSettings: options.userSettings }),
      ...(options.env === undefined ? {} : { env: options.env }),
      suite: { path: options.suitePath, env: { TEST_RESULTS: file, TEST_GREP: options.grep ?? "" } },
    });
    try {
      const timer = new AbortController();
      const exit = await Promise.race([
        workbench.suiteExit(),
        delay(deadline, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
      if (exit === undefined) {
        const picture = await workbench.screenshot("suite-hangs");
        return notOk(`The suite did not end within ${deadline / 1000} s (${picture}).`);
      }
      const written = await readFile(file, "utf8").catch(() => undefined);
      // A host that was killed also reports 0: only the file shows that the suite came to its end.
      if (written === undefined) {
        return notOk(
          `The extension host ended (${exit.code}) without results: it was killed, or the suite could not be loaded. ` +
            `Its last words:\n${lastWords(exit.printed)}`,
        );
      }
      return judge(written, exit.code);
    } finally {
      await workbench.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** From the file that a suite has left, and what VS Code said of it. */
export function judge(written: string, code: number): SuiteOutcome {
  const found = results.parse(JSON.parse(written));
  const reason =
    found.failed > 0
      ? `${found.failed} failed`
      : found.passed === 0
        ? "no test ran"
        : code !== 0
          ? `VS Code ended with ${code}`
          : "";
  return { ...found, ok: reason === "", reason };
}

/** On the terminal, with the exit code of this process. */
export function report({ titles, failures, passed, failed, skipped, reason, ok }: SuiteOutcome): void {
  for (const title of titles) console.log(`  ✔ ${title}`);
  for (const failure of failures) console.log(`  ✘ ${failure.title}\n${failure.message}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped. ${reason}`);
  process.exitCode = ok ? 0 : 1;
}

/** Without the page's stack traces and what VS Code always says. */
function lastWords(printed: readonly string[]): string {
  const lines = printed.flatMap((text) => text.split("\n"));
  const telling = lines.filter(
    (line) => !/^\s+at |^Canceled|gallery as it is disabled|socket|connection token/.test(line),
  );
  return telling.slice(-8).join("\n");
}

export function notOk(reason: string): SuiteOutcome {
  return { ok: false, reason, passed: 0, failed: 0, skipped: 0, failures: [], titles: [] };
}

if (import.meta.main) {
  const scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-"));
  const outcome = await runSuite({
    suitePath: await buildSuite(),
    extensionPath: root,
    folder: join(scratch, "folder"),
    home: join(scratch, "home"),
    grep: process.argv[2] ?? "",
  });
  await rm(scratch, { recursive: true, force: true });
  report(outcome);
}
