// The administrators' side in a real VS Code: a night's run stops, the administrator is told, looks at who it is about,
// approves, and the next run acts on it.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { allowAndSignIn, extensionPath, signInInBrowser } from "../start/main-job.ts";
import { create } from "../support/callers.ts";
import { databaseKinds } from "../support/databases.ts";
import { startCompany } from "../support/directory/company.ts";
import type { Company } from "../support/directory/company.ts";
import { observe } from "./bad-input-stage.ts";
import { openFrontDoor } from "./front-door.ts";
import type { FrontDoor } from "./front-door.ts";
import { clean, waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

const hour = 3_600_000;
const day = 24 * hour;
const inQuestion = "4 people seem to have left";
const suspended = "Google says that the account is suspended.";

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

  async function hireWithKey(...names: readonly string[]): Promise<void> {
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
    stores = await databaseKinds[1].open();
    company = await startCompany(stores);
    const { running, google } = company;
    // For a week the directory says nothing of one person, and OpenRouter does not disable the key of another.
    await hireWithKey("hedy");
    google.faults.get = { fault: "not-authorized", of: (id) => id === company.hire("hedy") };
    await running.runNightly();
    running.advance(8 * day);
    await hireWithKey("alan");
    leave("alan");
    running.openRouter.faults.add({
      method: "PATCH",
      path: "/keys/*",
      fault: { kind: "status", status: 500, when: "before" },
    });
    await running.runNightly();
    running.advance(day);
    await hireWithKey("ada", "barbara", "edsger", "grace", "linus", "margaret", "niklaus");
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
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  async function signIn(name: string): Promise<void> {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await allowAndSignIn(workbench, `${name}@example.com`);
  }

  const views = async () =>
    (await workbench.page.locator(".part.sidebar .pane-header:visible .title").allInnerTexts()).map(clean);
  /** As a person reads them, but for how long ago something was. */
  const rows = async () =>
    (await workbench.treeRows("Administration")).map(({ label, description, level }) => {
      const timeless = description
        .replace(/just now|\d+ minutes? ago/, "AGE")
        .replace(/(since|until) \d+ \w+/, "$1 DAY");
      return `${"  ".repeat(level - 1)}${label}${timeless && ` (${timeless})`}`;
    });
  const selected = async () =>
    clean((await workbench.page.locator(".part.sidebar .monaco-list-row.selected .label-name").allInnerTexts()).join());
  async function untilRows(what: string, isThere: (rows: readonly string[]) => boolean): Promise<readonly string[]> {
    return waitFor(workbench.page, what, async () => {
      const found = await rows();
      return isThere(found) ? found : undefined;
    });
  }
  async function approveFromMenu(): Promise<void> {
    await workbench.contextMenu(await workbench.treeRow("Administration", inQuestion), "Approve Leavers…");
  }
  const approvals = async () =>
    company.running.records.filter(({ route }) => route.endsWith("/approve")).map(({ status }) => status);
  const texts = async () => (await workbench.notifications()).map(({ text }) => text);

  it("is nothing that anybody else sees", async () => {
    await workbench.openView("OpenRouter Keys");
    await signIn("linus");
    await workbench.treeRow("Keys", "linus's laptop");
    await workbench.notification("Signed in as linus@example.com.");
    await workbench.runCommand("Notifications: Clear All Notifications");
    const menu = await workbench.readContextMenu(await workbench.treeRow("Keys", "linus's laptop"));
    assert.equal(menu.includes("Copy Secret…"), false, "the secret is not stored in this editor");
    assert.deepStrictEqual(
      [await views(), await texts(), door.seen.filter(({ path }) => path.startsWith("/v1/admin"))],
      [[], [], []],
    );
  });

  it("lets an engineer ask for more with three answers, and shows what waits", async () => {
    await workbench.contextMenu(await workbench.treeRow("Keys", "linus's laptop"), "Request Raise");
    const input = workbench.quickInput();
    await input.pick("Another Amount…");
    await input.type("10");
    const tooLittle = await input.message("more than");
    await workbench.screenshot("raise-amount");
    await input.type("45");
    await input.message("at most");
    await input.accept();
    await input.pick("30 days");
    await input.type("A long experiment");
    const asks = (await input.message("Why does")).replace(/until \d+ \w+/, "until DAY");
    await input.accept();
    const said = await stage.says("You have asked for", "raise-asked");
    const [row] = await workbench.treeRows("Raises");
    assert.deepStrictEqual(
      [tooLittle, asks, said.severity, row?.label, row?.description.replace(/until \d+ \w+/, "until DAY")],
      [
        "It has to be more than $25.",
        "Why does “linus's laptop” need $45 a month until DAY? An administrator reads it and decides. Then it has $25 again. (Press 'Enter' to confirm or 'Escape' to cancel)",
        "info",
        "linus's laptop",
        "$45 until DAY · waits for an administrator",
      ],
    );
    await workbench.runCommand("OpenRouter Keys: Sign Out");
    await stage.says("Signed out.");
  });

  it("begins with one message about the run that waits, and one about the request", async () => {
    await workbench.openView("Explorer");
    await signIn("ada");
    await workbench.notification("have left");
    await workbench.notification("1 request for more waits for an administrator.");
    await stage.screenshots("admin-notice");
    const told = await workbench.notification("have left");
    assert.deepStrictEqual(told, {
      severity: "warning",
      text: "4 people seem to have left, more than a day may bring. Nobody's access has ended: an administrator has to approve the list.",
      buttons: ["Review", "Later"],
    });
  });

  it("only says that it needs a sign-in of today, and signs in when the person wants to look", async () => {
    company.running.advance(13 * hour);
    await workbench.openView("OpenRouter Keys");
    const buttons = await stage.welcomes("Sign in again to see this");
    await stage.inOtherTheme("admin-sign-in");
    const pages = workbench.context.pages().length;
    await workbench.clickNotificationButton("Review", "have left");
    await signInInBrowser(workbench, "ada@example.com");
    await waitFor(workbench.page, "the run to be selected", async () => (await selected()) === inQuestion);
    await stage.screenshots("admin-waiting");
    // Folded, so that there is room for every row below.
    await workbench.page.locator('.part.sidebar .pane-header[aria-label="Keys Section"]').click();
    await untilRows("every row", (found) => found.at(-1) === "Record");
    assert.deepStrictEqual(
      {
        buttons,
        pages,
        views: await views(),
        rows: await rows(),
      },
      {
        buttons: ["Sign In Again"],
        // No browser before the person asked for it.
        pages: 1,
        views: ["Keys", "Administration"],
        rows: [
          "Waiting for approval",
          "  4 people seem to have left (found AGE)",
          ...["barbara", "edsger", "grace", "margaret"].map((name) => `    ${name}@example.com (${suspended})`),
          "Waiting requests",
          "  linus@example.com ($45 until DAY · “A long experiment”)",
          "Keys not disabled yet (1 key)",
          "  alan@example.com (alan's laptop · tried 2 times · left AGE)",
          "Unknown for a week (1 person)",
          "  hedy@example.com (since DAY · Google answered 403 (forbidden).)",
          "Nightly runs",
          "  Stopped at 4 people (AGE · waits for approval · not done yet: 1 person · 1 unknown)",
          "  Not done yet: 1 person (AGE · 1 unknown)",
          "  Checked 1 person (AGE · 1 unknown)",
          "All keys",
          "Record",
        ],
      },
    );
  });

  it("says who it is about and what it means, and does nothing without a yes", async () => {
    await approveFromMenu();
    const { text, detail, buttons, click } = await workbench.dialog();
    await workbench.screenshot("admin-question");
    await click("Cancel");
    assert.deepStrictEqual(
      [text, detail, buttons, await approvals()],
      [
        "End the access of 4 people?",
        `barbara@example.com, edsger@example.com, grace@example.com, margaret@example.com: ${suspended} The next nightly run ends their sign-ins and disables their keys, which cannot be undone. Whoever is found to work here by then is left alone.`,
        ["Cancel", "End Access of 4 People"],
        [],
      ],
    );
  });

  it("approves that list, and the next run ends their access", async () => {
    await approveFromMenu();
    await (await workbench.dialog()).click("End Access of 4 People");
    const said = await stage.says("Approved.", "admin-approved");
    const approved = await untilRows("the approval", (found) => !found.includes("Waiting for approval"));
    const before = disabled();
    company.running.openRouter.faults.reset();
    await company.running.runNightly();
    await workbench.pressViewButton("Administration", "Refresh Administration");
    const done = await untilRows(
      "the next run",
      (found) => found.some((row) => row.includes("Ended access")) && !found.join().includes("Keys not disabled"),
    );
    await stage.screenshots("admin-done");
    assert.deepStrictEqual(
      {
        said: said.text,
        approved: approved.find((row) => row.includes("Stopped")),
        approvals: await approvals(),
        before,
        done: done.slice(4, 6),
        disabled: disabled().toSorted(),
      },
      {
        said: "Approved. The next nightly run ends the access of 4 people.",
        approved:
          "  Stopped at 4 people (approved · AGE · the next run acts on it · not done yet: 1 person · 1 unknown)",
        approvals: [200],
        before: [],
        done: ["Nightly runs", "  Ended access of 5 people (AGE · 1 unknown)"],
        disabled: ["alan", "barbara", "edsger", "grace", "margaret"],
      },
    );
  });

  it("approves a request with one click", async () => {
    await workbench.contextMenu(await workbench.treeRow("Administration", "linus@example.com"), "Approve Request");
    const said = await stage.says("Approved:");
    await untilRows("the request to go", (found) => !found.includes("Waiting requests"));
    const limits = company.running.openRouter.keys().map(({ name, limit }) => [name.split("'s ")[0], limit]);
    assert.deepStrictEqual(
      [said.text.replace(/until \d+ \w+/, "until DAY"), limits.filter(([, limit]) => limit !== 25)],
      ["Approved: linus@example.com may spend $45 on “linus's laptop” until DAY.", [["linus", 45]]],
    );
  });

  it("finds a key among all, and ends it after a question, without asking for the list again", async () => {
    await workbench.runCommand("Search Keys…");
    await workbench.quickInput().type("NIKLAUS");
    await workbench.quickInput().accept();
    const found = (await untilRows("the key", (rows) => rows.some((row) => row.includes("niklaus")))).slice(-3);
    await stage.inOtherTheme("admin-keys");
    const asked = door.seen.length;
    await workbench.contextMenu(await workbench.treeRow("Administration", "niklaus@example.com"), "Disable Key…");
    const question = await workbench.dialog();
    await question.click("Disable");
    await workbench.notification("is disabled.");
    const after = await untilRows("the key to be disabled", (rows) => rows.some((row) => row.includes("· disabled")));
    await workbench.runCommand("Notifications: Clear All Notifications");
    const again = door.seen.slice(asked).filter(({ path }) => path.startsWith("/v1/admin/keys?"));
    assert.deepStrictEqual(
      [found, question.text, after.slice(-2, -1), again, disabled().includes("niklaus")],
      [
        ["All keys (“NIKLAUS” · 1 of 1)", "  niklaus@example.com (niklaus's laptop · $0 of $25)", "Record"],
        "Disable the key “niklaus's laptop” of niklaus@example.com?",
        ["  niklaus@example.com (niklaus's laptop · disabled · $0 of $25)"],
        [],
        true,
      ],
    );
    await (await workbench.treeRow("Administration", "Record")).click();
    await untilRows("the record", (rows) => rows.some((row) => row.includes("ada@example.com disabled a key")));
    await stage.inOtherTheme("admin-record");
    await (await workbench.treeRow("Administration", "Record")).click();
  });

  it("lets nobody approve a list that they are on, and tells of none that is in sight", async () => {
    delete company.google.faults.get;
    await hireWithKey("rosalind");
    leave("ada", "hedy", "niklaus", "rosalind");
    await company.running.runNightly();
    await workbench.runCommand("OpenRouter Keys: Refresh");
    await untilRows("the run that waits", (found) => found.includes("Waiting for approval"));
    await workbench.runCommand("Approve Leavers…");
    const question = await workbench.dialog();
    await question.click("End Access of 4 People");
    await workbench.notification("You are on this list");
    // Long enough for a message about the run to have come.
    await stage.inOtherTheme("admin-on-list");
    const said = await workbench.notification("You are on this list");
    assert.deepStrictEqual(
      [question.detail.split(":")[0], said, await texts(), await approvals(), disabled().length],
      [
        "ada@example.com, hedy@example.com, niklaus@example.com, rosalind@example.com",
        {
          severity: "warning",
          text: "Not approved. You are on this list yourself. Ask another administrator.",
          buttons: ["OK"],
        },
        [said.text],
        [200, 403],
        6,
      ],
    );
    await workbench.runCommand("Notifications: Clear All Notifications");
  });

  it("says what is wrong and keeps what it has, as the person has folded it", async () => {
    await (await workbench.treeRow("Administration", "Waiting for approval")).click();
    const before = await untilRows("the section to be folded", (found) => found[1] === "Nightly runs");
    await door.become({ kind: "stranger", status: 503, type: "text/html", body: "<h1>Down</h1>", only: "/v1/admin" });
    await workbench.pressViewButton("Administration", "Refresh Administration");
    await workbench.page.getByText(`Not up to date. ${door.url} is not working`).waitFor();
    await stage.inOtherTheme("admin-old");
    const still = await rows();
    const own = await workbench.treeRows("Keys");
    assert.deepStrictEqual([still, await texts(), own.map(({ label }) => label)], [before, [], ["ada's laptop"]]);
  });

  it("tries again when the person wants it, and tells of a run once", async () => {
    await workbench.reload();
    await workbench.openView("OpenRouter Keys");
    await untilRows("the way to try again", (found) => found.join() === "Try Again");
    await workbench.page.getByText(`What waits for you cannot be shown. ${door.url} is not working`).waitFor();
    await stage.inOtherTheme("admin-failed");
    await door.become({ kind: "open" });
    await (await workbench.treeRow("Administration", "Try Again")).click();
    const found = await untilRows("the view as it was left", (found) => found.at(-2)?.includes("niklaus") === true);
    assert.deepStrictEqual(
      [found.slice(0, 2), found.at(-3), await selected(), await texts()],
      [["Waiting for approval", "Nightly runs"], "All keys (“NIKLAUS” · 1 of 1)", "Waiting for approval", []],
    );
  });

  it("goes with the sign-out, and leaves nobody's address in the log", async () => {
    await workbench.runCommand("OpenRouter Keys: Sign Out");
    await waitFor(workbench.page, "the view to go", async () => (await views()).length === 0);
    const log = await workbench.output("OpenRouter Keys");
    assert.deepStrictEqual(
      [log.includes("openrouterKeys.admin.approveRun"), log.includes("@example.com")],
      [true, false],
    );
  });

  it("tells the engineer at the next sign-in how it was decided", async () => {
    await signIn("linus");
    const said = await workbench.notification("Approved: “linus's laptop” may spend $45");
    await stage.screenshots("raise-decided");
    const [row] = await workbench.treeRows("Raises");
    assert.deepStrictEqual(
      [said.severity, row?.description.replace(/until \d+ \w+/, "until DAY")],
      ["info", "$45 until DAY · approved"],
    );
  });
});
