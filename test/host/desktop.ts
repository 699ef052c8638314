// The same compiled suite in a desktop VS Code, which @vscode/test-electron downloads (needs a network and, on Linux, a
// display: `xvfb-run -a npm run test:desktop`). VSCODE_VERSION names another one than the newest.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTests } from "@vscode/test-electron";
import { buildSuite, suiteExtension } from "./run-suite.ts";

const root = join(import.meta.dirname, "../..");
const scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-desktop-"));
const folder = join(scratch, "folder");
await mkdir(folder);
try {
  process.exitCode = await runTests({
    version: process.env["VSCODE_VERSION"] ?? "stable",
    extensionDevelopmentPath: [root, suiteExtension],
    extensionTestsPath: await buildSuite(),
    extensionTestsEnv: {
      HOME: join(scratch, "home"),
      TEST_RESULTS: join(scratch, "results.json"),
      TEST_GREP: process.argv[2] ?? "",
    },
    launchArgs: [folder, "--disable-extensions", "--user-data-dir", join(scratch, "data")],
  });
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
}
