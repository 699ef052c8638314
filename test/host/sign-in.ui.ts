// Signing in and out in a real VS Code: in a folder that nobody trusts, in two windows, by a code, and once more after
// 12 hours; what is listed, and what happens when the function's address changes.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { allowAndSignIn, extensionPath } from "../start/main-job.ts";
import { closeDatabases, databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { observe } from "./bad-input-stage.ts";
import { openFrontDoor } from "./front-door.ts";
import type { FrontDoor } from "./front-door.ts";
import { saveScreenshot, waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";
import * as ui from "./workbench-parts.ts";
import { openView } from "./views.ts";

describe("Signing in", function () {
  this.timeout(120_000);
  // One person, one day: what comes later builds on what came before.
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let running: RunningFunction;
  /** What a hostile folder names as the function, and later the address that the person changes to. */
  let elsewhere: FrontDoor;
  let workbench: Workbench;
  let stage: ReturnType<typeof observe>;
  let second: Page;
  const planted: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-sign-in-"));
    stores = await databaseKinds[0].open();
    running = await startFunction({ stores });
    elsewhere = await openFrontDoor(running.url);
    const hostile = JSON.stringify({
      "openrouterKeys.functionUrl": elsewhere.url,
      "openrouterKeys.openRouterUrl": elsewhere.url,
    });
    const project = join(folder, "project");
    const dataDir = join(folder, "editor");
    // The folder's own settings, and those of the remote machine, where a container puts what its maker wrote.
    for (const place of [join(project, ".vscode"), join(dataDir, "user-data/Machine")]) {
      await mkdir(place, { recursive: true });
      await writeFile(join(place, "settings.json"), hostile);
    }
    workbench = await startWorkbench({
      extensionPath,
      folder: project,
      home: join(folder, "home"),
      dataDir,
      trust: true,
      userSettings: {
        "openrouterKeys.functionUrl": running.url,
        "openrouterKeys.openRouterUrl": running.openRouter.apiUrl,
      },
      env: { PATH: "/usr/bin:/bin" },
    });
    stage = observe(workbench);
  });

  after(async () => {
    await workbench?.close();
    await elsewhere?.close();
    await running?.stop();
    await stores?.close();
    await closeDatabases();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  async function shows(page: Page, text: string): Promise<void> {
    const view = page.locator(".pane-body .welcome-view-content:visible");
    await waitFor(page, `a view that says “${text}”`, async () => view.getByText(text).isVisible());
  }

  async function choosePerson(popup: Page): Promise<void> {
    await popup.getByRole("button", { name: /grace@example\.com/ }).click();
  }

  async function signInAgain(): Promise<void> {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await allowAndSignIn(workbench, "grace@example.com");
    await stage.says("Signed in as grace@example.com.");
  }

  it("waits for nothing and asks nothing at the start, in a folder that nobody trusts", async () => {
    await (await workbench.dialog()).click("No, I don't trust the authors");
    await workbench.openView("OpenRouter Keys");
    await shows(workbench.page, "Sign in with your company account");
    second = await workbench.secondWindow();
    await (await ui.dialog(second)).click("No, I don't trust the authors");
    await openView(second, "OpenRouter Keys");
    await shows(second, "Sign in with your company account");
    assert.deepStrictEqual(
      [(await workbench.notifications()).length, (await ui.notifications(second)).length, elsewhere.seen],
      [0, 0, []],
    );
  });

  it("by a code: shows it in the browser, refuses what is none, and takes it once, also after a reload", async () => {
    await workbench.page.bringToFront();
    await workbench.setTheme("light");
    await workbench.runCommand("Sign In With Code");
    const popup = await workbench.popup();
    await choosePerson(popup);
    const code = await popup.getByLabel("Code").inputValue();
    planted.push(code);
    for (const scheme of ["light", "dark"] as const) {
      await popup.emulateMedia({ colorScheme: scheme });
      await saveScreenshot(popup, `sign-in-code-page-${scheme}`);
    }
    await popup.close();
    await workbench.page.bringToFront();
    const input = workbench.quickInput();
    await input.type(`${code.slice(0, 12)} `);
    const partial = await input.message("not a whole code");
    await workbench.screenshot("sign-in-code-partial");
    await workbench.reload();
    await (await workbench.dialog()).click("No, I don't trust the authors");
    const told = await workbench.notification("This window was reloaded");
    const isAsked = await workbench.page.locator(".quick-input-widget:visible").isVisible();
    await workbench.screenshot("sign-in-code-reloaded");
    await workbench.clickNotificationButton("Paste Code");
    await input.type(code.replace(/.$/, code.endsWith("A") ? "B" : "A"));
    await input.accept();
    const wrong = await input.message("does not take this code");
    await workbench.screenshot("sign-in-code-wrong");
    await input.type(`  ${code} `);
    await input.accept();
    await (await workbench.dialog()).click("Allow");
    const said = await stage.says("Signed in as grace@example.com.");
    await shows(workbench.page, "You have no key yet.");
    assert.deepStrictEqual(
      [told.text, isAsked, partial, wrong.replace(/ \(Press .*/, ""), said.severity],
      [
        "This window was reloaded while you were signing in: paste the code that your browser shows to go on.",
        false,
        "This is not a whole code. Copy all of it from the page in your browser.",
        "The function does not take this code. Paste the one from the page that this sign-in has opened.",
        "info",
      ],
    );
  });

  it("in one window reaches the other", async () => {
    await second.bringToFront();
    await ui.notification(second, "Reload this one to be signed in here too.");
    await saveScreenshot(second, "signed-in-elsewhere");
    await ui.clickNotificationButton(second, "Reload", "");
    await (await ui.dialog(second)).click("No, I don't trust the authors");
    await openView(second, "OpenRouter Keys");
    await shows(second, "You have no key yet.");
    assert.deepStrictEqual(await ui.notifications(second), []);
  });

  it("is listed, and another place's sign-in is ended from here", async () => {
    const phone = await running.signIn("grace@example.com");
    planted.push(phone.token);
    await workbench.page.bringToFront();
    await workbench.runCommand("Show Sign-Ins");
    const input = workbench.quickInput();
    const rows = await waitFor(workbench.page, "the sign-ins", async () => {
      const { rows } = await input.read();
      return rows.length === 2 ? rows : undefined;
    });
    await workbench.screenshot("sign-ins-dark");
    await input.pick(rows[1]?.label ?? "");
    const question = await workbench.dialog();
    await workbench.screenshot("sign-ins-question");
    await question.click("End Sign-In");
    await waitFor(workbench.page, "the list without it", async () => (await input.read()).rows.length === 1);
    await workbench.screenshot("sign-ins-alone");
    await input.cancel();
    assert.deepStrictEqual(
      [rows.map(({ description }) => description), (await phone.call("GET", "/v1/me")).status],
      [["this editor", "last used just now"], 401],
    );
  });

  it("once more after 12 hours, says why, and the key is made with the request that was begun", async () => {
    running.advance(13 * 3_600_000);
    const begun = running.records.length;
    await workbench.runCommand("Create OpenRouter Key");
    await workbench.quickInput().type("laptop");
    await workbench.quickInput().accept();
    const popup = await workbench.popup();
    await popup.getByRole("button", { name: /grace@example\.com/ }).waitFor();
    await workbench.page.bringToFront();
    const why = await workbench.notification("You signed in more than 12 hours ago");
    await stage.screenshots("sign-in-again");
    await popup.bringToFront();
    await choosePerson(popup);
    await popup.getByText("You can close this tab").waitFor();
    await popup.close();
    await workbench.page.bringToFront();
    await stage.says("The key “laptop” is ready.");
    const creates = running.records
      .slice(begun)
      .filter(({ method, route }) => method === "POST" && route === "/v1/keys")
      .map(({ status }) => status);
    assert.deepStrictEqual(
      [why.text, creates, running.openRouter.keys().length],
      ["You signed in more than 12 hours ago, so sign in once more: finish in your browser", [401, 201], 1],
    );
  });

  it("out of one window is out of both", async () => {
    await workbench.runCommand("OpenRouter Keys: Sign Out");
    await shows(workbench.page, "Sign in with your company account");
    await second.bringToFront();
    await shows(second, "Sign in with your company account");
    await saveScreenshot(second, "signed-out-elsewhere");
    await second.close();
    await workbench.page.bringToFront();
  });

  it("elsewhere, after the address was changed, is asked about, and nothing of the first is sent there", async () => {
    await signInAgain();
    await stage.set("openrouterKeys.functionUrl", elsewhere.url);
    const asked = await workbench.notification("has changed");
    await shows(workbench.page, "Sign in with your company account");
    await stage.screenshots("address-left");
    const begun = running.records.length;
    await workbench.clickNotificationButton("Sign Out and Forget");
    await stage.says(`Signed out at ${running.url}.`);
    const ended = running.records.slice(begun).map(({ method, route, status }) => `${method} ${route} ${status}`);
    const untilSignIn = elsewhere.seen.length;
    await signInAgain();
    const bearers = new Set(elsewhere.seen.flatMap(({ authorization }) => authorization ?? []));
    assert.deepStrictEqual(
      { buttons: asked.buttons, ended, untilSignIn, bearers: bearers.size },
      {
        buttons: ["Sign Out and Forget", "Change It Back"],
        ended: ["DELETE /v1/session 204"],
        // Not one request before the person signs in there, and then no token but the new one.
        untilSignIn: 0,
        bearers: 1,
      },
    );
  });

  it("leaves no token, code or address of a person in the log", async () => {
    const log = await workbench.output("OpenRouter Keys");
    const found = [...planted, "grace@example.com"].filter((secret) => log.includes(secret));
    assert.deepStrictEqual(
      [log.includes("Signing in at"), found, /ors_[\w-]{43}|sk-or-v1-[0-9a-f]{8}|code_challenge=|state=/.test(log)],
      [true, [], false],
    );
  });
});
