import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** What a run leaves in the file TEST_RESULTS. */
export interface SuiteResults {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly { readonly title: string; readonly message: string }[];
  readonly titles: readonly string[];
}

/**
 * Called by VS Code inside its extension host (extensionTestsPath), on the desktop and in the browser alike. Writes the
 * results to TEST_RESULTS, narrows by TEST_GREP, and rejects when a test fails, which VS Code turns into its exit code.
 */
export async function run(): Promise<void> {
  const grep = process.env["TEST_GREP"];
  const mocha = new Mocha({
    ui: "bdd",
    timeout: 20_000,
    forbidOnly: true,
    forbidPending: true,
    // Prints nothing; the lines below do.
    reporter: Mocha.reporters.Base,
    ...(grep === undefined || grep === "" ? {} : { grep }),
  });
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  // Every test file of this folder: the build fails if one is missing here.
  await import("./activation.test.ts");
  await import("./terminal-variables.test.ts");
  await import("./activation-times.test.ts");

  const titles: string[] = [];
  const failures: { title: string; message: string }[] = [];
  let skipped = 0;
  const failed = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on("pass", (test) => {
        titles.push(test.fullTitle());
        console.log(`  ✔ ${test.fullTitle()} (${test.duration ?? 0} ms)`);
      })
      .on("pending", () => (skipped += 1))
      .on("fail", (test, error: Error) => {
        failures.push({ title: test.fullTitle(), message: error.stack ?? error.message });
        console.log(`  ✘ ${test.fullTitle()}\n${error.stack ?? error.message}`);
      });
  });
  const results: SuiteResults = { passed: titles.length, failed: failures.length, skipped, failures, titles };
  const file = process.env["TEST_RESULTS"];
  if (file !== undefined && file !== "") writeFileSync(file, JSON.stringify(results));
  if (failed > 0) throw new Error(`${failed} failed`);
}
