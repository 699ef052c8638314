// The administrators' side in a real VS Code: a night's run stops, the administrator is told, looks at who it is about,
// approves, and the next run acts on it.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Stores } from "../../functions/adapters/postgres/connect.ts";
import { extensionPath } from "../start/main-job.ts";
import { create } from "../support/callers.ts";
import { closeDatabases, databaseKinds } from "../support/databases.ts";
import { startCompany } from "../support/directory/company.ts";
import type { Company } from "../support/directory/company.ts";
import { observe } from "./bad-input-stage.ts";
import { openFrontDoor } from "./front-door.ts";
import type { FrontDoor } from "./front-door.ts";
import { atOnce, clean, waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

const hour = 3_600_000;
const day = 24 * hour;

describe("Administration", function () {
  this.timeout(120_000);
  // One company and one window: what comes later builds on what came before.
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let company: Company;
  let door: FrontDoor;
  let workbench: Workbench;
  let stage: ReturnType<typeof observe>;

  async function join_(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      company.hire(name);
      await create(await company.running.signIn(`${name}@example.com`), { name: `${name}'s laptop` });
    }
  }
  const leave = (...names: readonly string[]): void => {
    for (const name of names) company.hire(name, { suspended: true });
  };
  const disabled = (): readonly string[] =>
    company.running.openRouter.keys().flatMap((key) => (key.disabled ? [key.name.split("'s ")[0] ?? ""] : []));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-admin-"));
    stores = await databaseKinds[0].open();
    company = await startCompany(stores);
    const { running, google } = company;
    // For a week the directory says nothing of one person, and OpenRouter does not disable the key of another.
    await join_("hedy");
    google.faults.get = { fault: "not-authorized", of: (id) => id === company.hire("hedy") };
    await running.runNightly();
    running.advance(8 * day);
    await join_("alan");
    leave("alan");
    running.openRouter.faults.add({
      method: "PATCH",
      path: "/keys/*",
      fault: { kind: "status", status: 500, when: "before" },
    });
    await running.runNightly();
    running.advance(day);
    await join_("ada", "barbara", "edsger", "grace", "linus", "margaret", "niklaus");
    leave("barbara", "edsger", "grace", "margaret");
    await running.runNightly();
    door = await openFrontDoor(running.url);
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
  });

  after(async () => {
    await workbench?.close();
    await door?.close();
    await company?.stop();
    await stores?.close();
    await closeDatabases();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  async function choosePerson(name: string): Promise<void> {
    const popup = await workbench.popup();
    await popup.getByRole("button", { name: new RegExp(`${name}@example\\.com`) }).click();
    await popup.getByText("You can close this tab").waitFor();
    await popup.close();
    await workbench.page.bringToFront();
  }

  async function signIn(name: string): Promise<void> {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await (await workbench.dialog()).click("Allow");
    await choosePerson(name);
  }

  const views = async () =>
    (await workbench.page.locator(".part.sidebar .pane-header:visible .title").allInnerTexts()).map(clean);
  const rows = async () =>
    (await workbench.treeRows("Administration")).map(
      ({ label, description, level }) => `${"  ".repeat(level - 1)}${label}${description && ` (${description})`}`,
    );
  const selected = async () =>
    clean((await workbench.page.locator(".part.sidebar .monaco-list-row.selected .label-name").allInnerTexts()).join());
  async function untilRows(what: string, isThere: (rows: readonly string[]) => boolean): Promise<readonly string[]> {
    return waitFor(workbench.page, what, async () => {
      const found = await rows();
      return isThere(found) ? found : undefined;
    });
  }
  const texts = async () => (await workbench.notifications()).map(({ text }) => text);

  it("is nothing that anybody else sees", async () => {
    await workbench.openView("OpenRouter Keys");
    await signIn("linus");
    await workbench.treeRow("Keys", "linus's laptop");
    await workbench.notification("Signed in as linus@example.com.");
    await workbench.runCommand("Notifications: Clear All Notifications");
    assert.deepStrictEqual(
      [await views(), await texts(), door.seen.filter(({ path }) => path.startsWith("/v1/admin"))],
      [[], [], []],
    );
    await workbench.runCommand("OpenRouter Keys: Sign Out");
    await stage.says("Signed out.");
  });

  it("begins with a message about the run that waits", async () => {
    await signIn("ada");
    const told = await workbench.notification("have left");
    await stage.screenshots("admin-notice");
    assert.deepStrictEqual(told, {
      severity: "warning",
      text: "4 people seem to have left, more than a day may bring. Nobody's access has ended: an administrator has to approve the list.",
      buttons: ["Review", "Later"],
    });
  });

  it("asks for a sign-in of today when it is looked at, and by itself only says so", async () => {
    company.running.advance(13 * hour);
    await workbench.runCommand("Focus on Administration View");
    await workbench.pressViewButton("Administration", "Refresh Nightly Runs");
  });
});
