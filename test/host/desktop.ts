// The same compiled suite in a desktop VS Code, which @vscode/test-electron downloads (needs a network and, on Linux, a
// display: `xvfb-run -a npm run test:desktop`). VSCODE_VERSION names another one than the newest.
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTests, TestRunFailedError } from "@vscode/test-electron";
import { buildSuite, judge, notOk, report } from "./run-suite.ts";

const root = join(import.meta.dirname, "../..");
const scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-desktop-"));
const folder = join(scratch, "folder");
const [home, results] = [join(scratch, "home"), join(scratch, "results.json")];
await mkdir(folder);
await mkdir(home);
try {
  const code = await runTests({
    version: process.env["VSCODE_VERSION"] ?? "stable",
    extensionDevelopmentPath: root,
    extensionTestsPath: await buildSuite(),
    extensionTestsEnv: { HOME: home, TEST_RESULTS: results, TEST_GREP: process.argv[2] ?? "" },
    launchArgs: [folder, "--disable-extensions", "--user-data-dir", join(scratch, "data")],
  }).catch((error: unknown) => {
    if (error instanceof TestRunFailedError) return error.code ?? 1;
    throw error;
  });
  // As in the browser: a host that was killed says that all is well, and only the file shows that the suite ended.
  const written = await readFile(results, "utf8").catch(() => undefined);
  report(written === undefined ? notOk(`VS Code ended (${code}) without results.`) : judge(written, code));
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
}
