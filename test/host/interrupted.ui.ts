// What happens to a sign-in and a session while nobody looks, in a real VS Code: the window is reloaded in the middle, a
// person signs out in the Accounts menu, somebody is cut off during a request, the address changes overnight. And what
// of all that lies anywhere in the clear.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { allowAndSignIn, extensionPath, signInInBrowser } from "../start/main-job.ts";
import { databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { observe } from "./bad-input-stage.ts";
import { openFrontDoor } from "./front-door.ts";
import type { FrontDoor } from "./front-door.ts";
import { settingsFile, writeSettings } from "./server.ts";
import { atOnce, waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

const [, database] = databaseKinds;

describe("A sign-in that is interrupted", function () {
  this.timeout(120_000);
  // One person, some days: what comes later builds on what came before.
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let running: RunningFunction;
  /** The function's address as this editor has it, and another that leads to the same function. */
  let door: FrontDoor;
  let elsewhere: FrontDoor;
  let workbench: Workbench;
  let stage: ReturnType<typeof observe>;
  /** Every session token that was sent, and every one-time code and state that came by. */
  const planted = new Set<string>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-interrupted-"));
    stores = await database.open();
    running = await startFunction({ stores });
    door = await openFrontDoor(running.url);
    elsewhere = await openFrontDoor(running.url);
    workbench = await startWorkbench({
      extensionPath,
      folder: join(folder, "project"),
      home: join(folder, "home"),
      dataDir: join(folder, "editor"),
      userSettings: {
        "openrouterKeys.functionUrl": door.url,
        "openrouterKeys.openRouterUrl": running.openRouter.apiUrl,
      },
      env: { PATH: "/usr/bin:/bin" },
    });
    stage = observe(workbench);
    await workbench.openView("OpenRouter Keys");
  });

  after(async () => {
    await workbench?.close();
    await door?.close();
    await elsewhere?.close();
    await running?.stop();
    await stores?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  async function choosePerson(popup: Page): Promise<void> {
    await popup.getByRole("button", { name: /grace@example\.com/ }).click();
  }

  async function signIn(): Promise<void> {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await allowAndSignIn(workbench, "grace@example.com");
    await stage.says("Signed in as grace@example.com.");
  }

  it("goes on after the window was reloaded in the middle, ignores what is forged, and is done once", async () => {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await (await workbench.dialog()).click("Allow");
    const popup = await workbench.popup();
    await popup.getByRole("button", { name: /grace@example\.com/ }).waitFor();
    const start = door.seen.findLast(({ path }) => path.startsWith("/v1/auth/start"));
    const query = new URL(start?.path ?? "", door.url).searchParams;
    const redirect = query.get("redirect_uri") ?? "";
    planted.add(query.get("state") ?? "");
    await workbench.page.bringToFront();
    await workbench.reload();
    await waitFor(workbench.page, "the listener of the reloaded window", async () => fetch(redirect));
    const forged = new Set<number>();
    for (const address of nearMisses(redirect, query.get("state") ?? "")) forged.add((await fetch(address)).status);
    const callback = popup.waitForRequest((request) => request.url().startsWith(redirect));
    await popup.bringToFront();
    await choosePerson(popup);
    const came = (await callback).url();
    planted.add(new URL(came).searchParams.get("code") ?? "");
    await popup.getByText("You can close this tab").waitFor();
    await popup.close();
    await workbench.page.bringToFront();
    await (await workbench.dialog()).click("Allow");
    const said = await stage.says("Signed in as grace@example.com.", "signed-in-after-reload");
    const trades = running.records.filter(({ route }) => route === "/v1/auth/token").map(({ status }) => status);
    assert.deepStrictEqual(
      [[...forged], said.severity, trades, await fetch(came).catch(() => "nobody listens")],
      [[404], "info", [200], "nobody listens"],
    );
  });

  it("shows in the Accounts menu, and signs out there: here, and at the function", async () => {
    const { page } = workbench;
    const items = page.locator(".context-view .monaco-menu .action-item:not(.disabled) .action-label:visible");
    const account = page.locator(".context-view .monaco-menu .action-item", { hasText: "grace@example.com" });
    await waitFor(page, "the account in the Accounts menu", async () => {
      if ((await items.count()) === 0) {
        await page.locator('.part.activitybar .action-item a[aria-label^="Accounts"]').click(atOnce);
        await items.first().waitFor(atOnce);
      }
      return (await account.count()) > 0;
    });
    const shown = (await account.first().innerText()).trim();
    await workbench.screenshot("accounts-menu");
    const signOut = page.locator(".context-view .monaco-menu .action-item .action-label", { hasText: "Sign Out" });
    // VS Code ignores clicks in the first moments of a menu.
    await waitFor(page, "Sign Out in the menu of the account to be taken", async () => {
      if (await page.locator(".monaco-dialog-box").isVisible()) return true;
      if ((await signOut.count()) === 0) {
        await account.first().hover(atOnce);
        await signOut.first().waitFor(atOnce);
      }
      await signOut.first().click(atOnce);
      return false;
    });
    const question = await workbench.dialog();
    await workbench.screenshot("accounts-sign-out");
    const begun = running.records.length;
    await question.click("Sign Out");
    const buttons = await stage.welcomes("Sign in with your company account");
    const ended = await waitFor(page, "the end of the session at the function", async () =>
      running.records.slice(begun).find(({ method, route }) => `${method} ${route}` === "DELETE /v1/session"),
    );
    assert.deepStrictEqual(
      [shown, buttons, ended.status],
      ["grace@example.com (OpenRouter Keys)", ["Create OpenRouter Key", "Sign In"], 204],
    );
    await workbench.runCommand("Notifications: Clear All Notifications");
  });

  async function beginSlowCreate(name: string): Promise<void> {
    running.openRouter.faults.add({
      method: "POST",
      path: "/keys",
      times: 1,
      fault: { kind: "latency", ms: 3_000, when: "after" },
    });
    const before = running.openRouter.keys().length;
    await workbench.runCommand("Create OpenRouter Key");
    await workbench.quickInput().type(name);
    await workbench.quickInput().accept();
    await waitFor(workbench.page, "the request at OpenRouter", async () => running.openRouter.keys().length > before);
  }

  it("that an administrator ends while a key is made asks to sign in again, and the one key arrives", async () => {
    await signIn();
    await beginSlowCreate("cut");
    const tokens = new Set(door.seen.flatMap(({ authorization }) => authorization ?? []));
    await database.query("delete from sessions");
    const question = await workbench.dialog();
    await workbench.screenshot("cut-meanwhile");
    await question.click("Allow");
    await signInInBrowser(workbench, "grace@example.com");
    const said = await stage.says("The key “cut” is ready.");
    const creates = door.seen.filter(({ method, path }) => method === "POST" && path === "/v1/keys");
    assert.deepStrictEqual(
      {
        severity: said.severity,
        sent: creates.length,
        idempotencyKeys: new Set(creates.map(({ idempotencyKey }) => idempotencyKey)).size,
        withTheOldToken: creates.filter(({ authorization }) => tokens.has(authorization ?? "")).length,
        keys: running.openRouter.keys().length,
      },
      { severity: "info", sent: 2, idempotencyKeys: 1, withTheOldToken: 1, keys: 1 },
    );
  });

  it("of somebody who is offboarded while a key is made ends in one sentence, and nothing is asked again", async () => {
    for (const { authorization } of door.seen) if (authorization !== undefined) planted.add(authorization.slice(7));
    await beginSlowCreate("left");
    await database.query("update owners set blocked_at = now() where email = 'grace@example.com'");
    await database.query("delete from sessions");
    const asked = door.seen.length;
    await (await workbench.dialog()).click("Allow");
    const popup = await workbench.popup();
    await choosePerson(popup);
    await popup.getByText(/The editor says why|Your access has ended/).waitFor();
    await popup.close();
    await workbench.page.bringToFront();
    await workbench.notification("Your access has ended.");
    await waitFor(workbench.page, "the progress to go", async () =>
      (await workbench.notifications()).every(({ severity }) => severity !== "progress"),
    );
    const shown = (await workbench.notifications()).map(({ severity, text }) => [severity, text]);
    await stage.screenshots("offboarded-meanwhile");
    const buttons = await stage.welcomes("Sign in with your company account");
    const further = door.seen.slice(asked).filter(({ authorization }) => authorization !== undefined);
    assert.deepStrictEqual(
      { shown, buttons, further: further.length },
      {
        shown: [["error", "Your access has ended. If that is a mistake, talk to an administrator."]],
        buttons: ["Create OpenRouter Key", "Sign In"],
        further: 0,
      },
    );
    await workbench.runCommand("Notifications: Clear All Notifications");
    await database.query("update owners set blocked_at = null");
  });

  it("at an address that was changed while VS Code was closed is told of, ended there, and never shown to the other", async () => {
    await signIn();
    await writeSettings(workbench.dataDir, { "openrouterKeys.functionUrl": elsewhere.url });
    await workbench.restart();
    const asked = await workbench.notification("has changed");
    await workbench.openView("OpenRouter Keys");
    await stage.welcomes("Sign in with your company account");
    const begun = running.records.length;
    await workbench.clickNotificationButton("Sign Out and Forget");
    await stage.says(`Signed out at ${door.url}.`);
    const ended = running.records.slice(begun).map(({ method, route, status }) => `${method} ${route} ${status}`);
    await workbench.restart();
    await workbench.openView("OpenRouter Keys");
    await stage.welcomes("Sign in with your company account");
    assert.deepStrictEqual(
      {
        names: asked.text.includes(door.url),
        buttons: asked.buttons,
        ended,
        sentElsewhere: elsewhere.seen.map(({ method, path }) => `${method} ${path}`),
        askedAgain: (await workbench.notifications()).map(({ text }) => text),
      },
      {
        names: true,
        buttons: ["Sign Out and Forget", "Change It Back"],
        ended: ["DELETE /v1/session 204"],
        sentElsewhere: [],
        askedAgain: [],
      },
    );
  });

  it("leaves nothing in the clear: not in the storage of the editor, its settings, its logs or any other file", async () => {
    await signIn();
    await workbench.runCommand("Create OpenRouter Key");
    await workbench.quickInput().type("scanned");
    await workbench.quickInput().accept();
    await stage.says("The key “scanned” is ready.");
    for (const { authorization } of elsewhere.seen)
      if (authorization !== undefined) planted.add(authorization.slice(7));
    const storage = await readStorage(workbench.page);
    // The one place for secrets: what lies there is encrypted, its names as well.
    const isKept = /"secrets\.provider":"[\w+/=]{500,}"/.test(storage);
    // With the backslashes of a JSON inside a JSON.
    const pattern = /sk-or-v1-[0-9a-f]{8}|ors_[\w-]{43}|codeVerifier\\*"|privateKey\\*"|\bd\\*":\\*"[\w-]{43}/;
    const isSecret = (text: string): boolean =>
      pattern.test(text) || [...planted].some((secret) => secret !== "" && text.includes(secret));
    const places: string[] = isSecret(storage) ? ["the page's storage"] : [];
    let files = 0;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files += 1;
      if (isSecret(await readFile(join(entry.parentPath, entry.name), "latin1"))) places.push(entry.name);
    }
    const settings = await readFile(settingsFile(workbench.dataDir), "utf8");
    const log = await workbench.output("OpenRouter Keys");
    assert.deepStrictEqual(
      {
        places,
        isKept,
        files: files > 20,
        planted: planted.size > 4,
        settings: /openrouterKeys\.(?!functionUrl|openRouterUrl)/.test(settings),
        log: [log.length > 500, isSecret(log), log.includes("grace@example.com")],
      },
      { places: [], isKept: true, files: true, planted: true, settings: false, log: [true, false, false] },
    );
  });
});

/** Addresses that any page in the browser may open: each is wrong in the path, in the state, or in having no code. */
function nearMisses(redirect: string, state: string): readonly string[] {
  const states = Array.from({ length: state.length }, (_, index) => {
    const other = state[index] === "x" ? "y" : "x";
    return [state.slice(0, index), `${state.slice(0, index)}${other}${state.slice(index + 1)}`];
  }).flat();
  const setting = "openrouterKeys.functionUrl=https%3A%2F%2Fevil.test";
  return [
    ...[...states, `${state}A`, `${state}%00`, `${state}%20`, `${state}&state=x`, `&State=${state}`].flatMap(
      (wrong) => [
        `${redirect}?code=forged&state=${wrong}`,
        `${redirect}?error=x&error_description=Forged&state=${wrong}`,
      ],
    ),
    `${redirect}?state=${state}`,
    `${redirect}?state=${state}&code=`,
    `${redirect}?state=${state}&${setting}`,
    `${redirect}/?code=forged&state=${state}`,
    `${redirect}%2f?code=forged&state=${state}`,
    `${redirect.replace(/auth$/, "Auth")}?code=forged&state=${state}`,
  ];
}

/** Everything that the page of VS Code keeps: secret storage and global state are in it. */
async function readStorage(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const texts = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
    const done = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.addEventListener("success", () => resolve(request.result));
        request.addEventListener("error", () => reject(new Error("The database cannot be read.")));
      });
    for (const { name } of await indexedDB.databases()) {
      if (name === undefined) continue;
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all([done(objects.getAllKeys()), done(objects.getAll())]);
        texts.push(JSON.stringify([name, store, keys, values]));
      }
      database.close();
    }
    return texts.join("\n");
  });
}
