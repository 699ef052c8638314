import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { closeDatabases, databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import { waitFor } from "../host/wait.ts";
import type { Workbench } from "../host/workbench.ts";
import { buildExtension } from "./build.ts";
import { extensionPath, openEditorWithTools, signInInBrowser } from "./main-job.ts";

/** Takes the walkthrough's pictures, in media/walkthrough, of the real workbench: `npm run pictures`. */
const into = join(extensionPath, "media/walkthrough");
const width = 640;
const height = 360;
/** The title says that this is a test. */
const belowTitle = 31;

async function takeAll(theme: "light" | "dark"): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-pictures-"));
  const stores = await databaseKinds[0].open();
  const running = await startFunction({ stores });
  const place = { folder, functionUrl: "", openRouterUrl: running.openRouter.apiUrl };
  const workbench = await openEditorWithTools(place);
  const take = async (name: string, x: number, y: number): Promise<void> => {
    const path = join(into, `${name}-${theme}.png`);
    await workbench.page.screenshot({ path, clip: { x, y, width, height }, animations: "disabled" });
    console.log(path);
  };
  const middle = (1280 - width) / 2;
  try {
    await workbench.openView("OpenRouter Keys");
    await workbench.setTheme(theme);
    await workbench.runCommand("Create OpenRouter Key");
    const input = workbench.quickInput();
    // What is written in a picture is what a person may write; then comes the function of this test.
    await input.type("https://keys.example.com");
    await take("address", middle, belowTitle);
    await input.type(running.url);
    await input.accept();
    const consent = await workbench.dialog();
    await take("sign-in", middle, 220);
    await consent.click("Allow");
    await signInInBrowser(workbench, "grace@example.com");
    await input.type("laptop");
    await take("create", middle, belowTitle);
    await input.accept();
    await toolsAreAsked(workbench);
    await hidePlaces(workbench);
    await take("tools", middle, belowTitle);
    await input.accept();
    await workbench.notification("The key “laptop” is ready.");
    await take("ready", 1280 - width, 800 - height);
  } finally {
    await workbench.close();
    await running.stop();
    await stores.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function toolsAreAsked(workbench: Workbench): Promise<void> {
  const input = workbench.quickInput();
  await waitFor(workbench.page, "the question which tools to set up", async () =>
    (await input.read()).title.includes("Set Up Coding Tools"),
  );
}

/** Where the tools lie on this machine is nobody's business. */
async function hidePlaces(workbench: Workbench): Promise<void> {
  const details = workbench.page.locator(".quick-input-list .quick-input-list-label-meta .label-name");
  await details.evaluateAll((elements) => {
    for (const element of elements) {
      element.textContent = (element.textContent ?? "").replace(/ound at .*\/([\w-]+)\.$/, "ound at ~/.local/bin/$1.");
    }
  });
}

await mkdir(into, { recursive: true });
await buildExtension();
for (const theme of ["light", "dark"] as const) await takeAll(theme);
await closeDatabases();
