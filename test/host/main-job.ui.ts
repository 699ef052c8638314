// The main job in a real VS Code, against a real issuer, with the real command lines; then what people do with a key.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { allowAndSignIn, askClaude, askCodex, askedForTools, homeOf, openEditorWithTools } from "../start/main-job.ts";
import { packExtension } from "../package/vsix.ts";
import type { JobPlace } from "../start/main-job.ts";
import { databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { runClaude, runCodex } from "../tools/run-tool.ts";
import { waitFor } from "./wait.ts";
import type { Workbench } from "./workbench.ts";

/** What the person has set in Claude Code themselves: their company's gateway, at which nobody answers, and a secret. */
const ownSettings = `{
  "env": {
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/gateway",
    "COMPANY_TOKEN": "wkGfKq0YkB"
  }
}
`;

describe("The main job", function () {
  this.timeout(180_000);
  // One person, one day: what comes later builds on what came before.
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let running: RunningFunction;
  let place: JobPlace;
  let workbench: Workbench;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-job-"));
    stores = await databaseKinds[1].open();
    running = await startFunction({ stores });
    place = { folder, functionUrl: running.url, openRouterUrl: running.openRouter.apiUrl };
    await mkdir(join(homeOf(place), ".claude"), { recursive: true });
    await writeFile(claudeSettings(), ownSettings);
    // As a person installs it.
    const vsix = join(folder, "extension.vsix");
    await packExtension(vsix);
    workbench = await openEditorWithTools(place, { vsix });
  });

  after(async () => {
    await workbench?.close();
    await running?.stop();
    await stores?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const claudeSettings = () => join(homeOf(place), ".claude/settings.json");

  const upstream = () => {
    const [key] = running.openRouter.keys();
    if (key === undefined) throw new Error("OpenRouter has no key.");
    return key;
  };

  async function row(): Promise<string> {
    const [first] = await workbench.treeRows("Keys");
    return first === undefined ? "" : `${first.label}: ${first.description}`;
  }

  async function rowSays(text: string): Promise<string> {
    return waitFor(workbench.page, `a key's row that says “${text}”`, async () => {
      const found = await row();
      return found.includes(text) ? found : undefined;
    });
  }

  async function spendSays(text: string): Promise<string> {
    return waitFor(workbench.page, `a spend of “${text}” in the status bar`, async () => {
      const item = await workbench.statusBarItem("openrouterKeys.spend");
      return item.text.includes(text) ? item.kind : undefined;
    });
  }

  async function inTheme(name: string): Promise<void> {
    for (const theme of ["light", "dark"] as const) {
      await workbench.setTheme(theme);
      await workbench.screenshot(`${name}-${theme}`);
    }
  }

  it("begins with a view that says what to do", async () => {
    await workbench.openView("OpenRouter Keys");
    const view = workbench.page.locator(".pane-body .welcome-view-content");
    await view.getByText("Sign in with your company account").waitFor();
    await inTheme("welcome-signed-out");
    assert.deepStrictEqual(await view.getByRole("button").allInnerTexts(), ["Create OpenRouter Key", "Sign In"]);
  });

  it("signs in through the browser and makes one key, and names what of the person's own a tool's set-up replaces", async () => {
    await workbench.runCommand("Create OpenRouter Key");
    await allowAndSignIn(workbench, "grace@example.com");
    await workbench.quickInput().type("laptop");
    await workbench.quickInput().accept();
    const rows = await askedForTools(workbench);
    await workbench.screenshot("tools-question-dark");
    assert.deepStrictEqual(
      rows.map(({ label, detail, checked }) => [label, detail.split(", which")[0]?.startsWith("Replaces"), checked]),
      [
        ["Claude Code", true, true],
        ["Codex", false, true],
      ],
    );
  });

  it("shows by keyboard alone what would change, with no secret, and asks again as it was", async () => {
    const { page } = workbench;
    // Past OK to the first row, on to its box, which Space unticks, and to its button.
    for (const key of ["Tab", "Tab", "Tab", "Space", "Tab", "Enter"]) await page.keyboard.press(key);
    const lines = await waitFor(page, "the comparison", async () => {
      const found = await page.locator(".monaco-diff-editor .editor.modified .view-line").allInnerTexts();
      return found.length > 8 ? found.map((line) => line.replaceAll("\u00a0", " ").trim()) : undefined;
    });
    const said = await workbench.notification("Nothing is written yet.");
    await inTheme("tools-changes");
    const untouched = await readFile(claudeSettings(), "utf8");
    await workbench.setTheme("light");
    await workbench.runCommand("View: Close Editor");
    const rows = await askedForTools(workbench);
    await workbench.screenshot("tools-question-light");
    await workbench.quickInput().toggle("Claude Code");
    assert.deepStrictEqual(
      {
        ours: lines.some((line) => line.startsWith('"apiKeyHelper":')),
        theirs: lines.find((line) => line.startsWith('"COMPANY_TOKEN"')),
        said: said.text.includes("Close the comparison"),
        untouched,
        again: rows.map(({ checked }) => checked),
        tabs: await page.locator(".tabs-container .tab").count(),
      },
      {
        ours: true,
        theirs: '"COMPANY_TOKEN": "<a secret of yours>",',
        said: true,
        untouched: ownSettings,
        again: [false, true],
        tabs: 0,
      },
    );
  });

  it("keeps the key and sets up the tools, after that one question", async () => {
    await workbench.quickInput().accept();
    const message = (await workbench.notification("The key “laptop” is ready.")).text;
    await workbench.screenshot("key-is-ready");
    assert.deepStrictEqual(
      {
        says: message.startsWith("The key “laptop” is ready. Claude Code and Codex use it"),
        upstream: running.openRouter
          .keys()
          .map((key) => [key.name.split(" [")[0], key.limit, key.limit_reset, key.disabled]),
        checked: running.openRouter.requests.some(
          ({ path, credential }) => path.endsWith("/key") && credential === upstream().hash,
        ),
        row: await rowSays("laptop: ▱▱▱▱▱ $25 left"),
        spend: await spendSays("$0 of $25"),
      },
      {
        says: true,
        upstream: [["laptop (grace@example.com)", 25, "monthly", false]],
        checked: true,
        row: await row(),
        spend: "normal",
      },
    );
    assert.equal(await row(), "laptop: ▱▱▱▱▱ $25 left · used by tools");
  });

  it("lets the real Claude Code and Codex answer with the key and nothing else, and shows what they spent", async () => {
    running.openRouter.clearRequests();
    const answers = [await askClaude(place), await askCodex(place)];
    const inference = running.openRouter.requests.filter(({ path }) => /\/(?:messages|responses)$/.test(path));
    await workbench.runCommand("OpenRouter Keys: Refresh");
    const kind = await spendSays("$0.50 of $25");
    await inTheme("key-with-spend");
    assert.deepStrictEqual(
      [answers, [...new Set(inference.map(({ credential }) => credential))], inference.length, kind],
      [["pong", "pong"], [upstream().hash], 2, "normal"],
    );
  });

  it("warns in the status bar when a key comes near its limit, and says so once", async () => {
    running.openRouter.spend(upstream().hash, 20);
    await workbench.runCommand("OpenRouter Keys: Refresh");
    const warned = await spendSays("$20.50 of $25");
    await workbench.notification("has reached 80 % of its limit: $20.50 of $25.");
    await rowSays("$4.50 left · resets");
    await workbench.screenshot("passed-80-percent");
    running.openRouter.spend(upstream().hash, 3.3);
    await workbench.runCommand("OpenRouter Keys: Refresh");
    const alarmed = await spendSays("$23.80 of $25");
    await workbench.notification("has reached 95 % of its limit: $23.80 of $25.");
    await workbench.screenshot("near-the-limit");
    assert.deepStrictEqual([warned, alarmed], ["warning", "error"]);
  });

  it("opens a page with the spend by day and key from the status bar, in every theme", async () => {
    await (await workbench.statusBarItem("openrouterKeys.spend")).click();
    const spend = workbench.page.frameLocator("iframe.webview").frameLocator("#active-frame");
    const today = new Date().toISOString().slice(0, 10);
    await spend.getByRole("row", { name: new RegExp(`^${today}`) }).waitFor();
    for (const theme of ["light", "hc", "dark"] as const) {
      await workbench.setTheme(theme);
      await workbench.screenshot(`spend-page-${theme}`);
    }
    const texts = {
      headings: await spend.getByRole("heading").allInnerTexts(),
      columns: await spend.getByRole("columnheader").allInnerTexts(),
      today: await spend.getByRole("row", { name: new RegExp(`^${today}`) }).innerText(),
      buttons: await spend.getByRole("button").allInnerTexts(),
      drawn: await spend.locator(".chart canvas").count(),
      secret: (await spend.locator("html").innerHTML()).includes("sk-or-"),
    };
    await workbench.runCommand("View: Close All Editors");
    assert.deepStrictEqual(texts, {
      headings: ["OpenRouter Spend", "laptop"],
      columns: ["Day", "laptop"],
      today: `${today}\t$23.80`,
      buttons: ["Refresh", "Export CSV"],
      drawn: 1,
      secret: false,
    });
  });

  it("keeps session, secret and tools over a restart of the editor", async () => {
    await workbench.restart();
    await workbench.openView("OpenRouter Keys");
    await rowSays("used by tools");
    await spendSays("$23.80 of $25");
    assert.deepStrictEqual(
      [await askClaude(place), (await workbench.notifications()).map(({ text }) => text)],
      ["pong", []],
    );
  });

  it("renames a key, and refuses a bad name while it is typed", async () => {
    await workbench.contextMenu(await workbench.treeRow("Keys", "laptop"), "Rename Key");
    const input = workbench.quickInput();
    await input.type("x".repeat(300));
    const tooLong = await input.message("at most 100");
    await input.type(" ");
    const empty = await input.message("Give the key a name");
    await input.type("💻 Grace’s laptop");
    await input.accept();
    await rowSays("💻 Grace’s laptop");
    assert.deepStrictEqual(
      [tooLong.includes("300 characters"), empty !== "", upstream().name.split(" (")[0]],
      [true, true, "💻 Grace’s laptop"],
    );
  });

  it("disables a key, and then neither tool gets an answer", async () => {
    await workbench.contextMenu(await workbench.treeRow("Keys", "💻 Grace’s laptop"), "Disable Key");
    await workbench.notification("Claude Code and Codex cannot use OpenRouter until it is enabled again.");
    const disabled = await rowSays("disabled");
    await workbench.screenshot("key-disabled");
    const home = homeOf(place);
    const claude = await runClaude({ home, prompt: "Answer with one word." });
    const codex = await runCodex({ home, prompt: "Answer with one word." });
    assert.deepStrictEqual(
      [
        disabled.includes("disabled"),
        upstream().disabled,
        claude.code === 0,
        codex.code === 0,
        `${claude.stdout}${codex.stdout}`.includes("pong"),
      ],
      [true, true, false, false, false],
    );
  });

  it("enables it again", async () => {
    await workbench.contextMenu(await workbench.treeRow("Keys", "💻 Grace’s laptop"), "Enable Key");
    await workbench.notification("works again");
    assert.deepStrictEqual([upstream().disabled, await askClaude(place)], [false, "pong"]);
  });

  it("shows no secret on screen, in a log or in a file of the editor", async () => {
    const { secrets, files } = await findSecrets([
      join(folder, "editor"),
      join(folder, "home"),
      join(folder, "project"),
    ]);
    const screen = await workbench.page.content();
    assert.deepStrictEqual([secrets, files > 20, /sk-or-v1-|ors_[\w-]{43}/.test(screen)], [[], true, false]);
  });

  it("remembers which tool was left out", async () => {
    const ask = async () => {
      await workbench.runCommand("Set Up Coding Tools");
      return (await askedForTools(workbench)).map(({ label, checked }) => [label, checked]);
    };
    const first = await ask();
    await workbench.quickInput().toggle("Codex");
    await workbench.quickInput().accept();
    await workbench.notification("Claude Code uses the key");
    const second = await ask();
    await workbench.quickInput().cancel();
    const row = (ticked: boolean) => [
      ["Claude Code", true],
      ["Codex", ticked],
    ];
    assert.deepStrictEqual([first, second], [row(true), row(false)]);
  });

  it("sets the tools back to what they were", async () => {
    await workbench.runCommand("OpenRouter Keys: Undo Tool Setup");
    const input = workbench.quickInput();
    await waitFor(workbench.page, "the question which tools to set back", async () =>
      (await input.read()).title.includes("Undo"),
    );
    await input.accept();
    await workbench.notification("are set back");
    const claude = await runClaude({ home: homeOf(place), prompt: "Answer with one word." });
    assert.deepStrictEqual([await readFile(claudeSettings(), "utf8"), claude.code === 0], [ownSettings, false]);
  });

  it("deletes a key after saying what that means", async () => {
    await workbench.contextMenu(await workbench.treeRow("Keys", "💻 Grace’s laptop"), "Delete Key");
    const question = await workbench.dialog();
    await workbench.screenshot("delete-question");
    const text = `${question.text} ${question.detail}`;
    await question.click("Delete");
    await workbench.notification("is deleted");
    const view = workbench.page.locator(".pane-body .welcome-view-content");
    await view.getByText("You have no key yet.").waitFor();
    await inTheme("no-keys");
    assert.deepStrictEqual([text.includes("it cannot be brought back"), running.openRouter.keys()], [true, []]);
  });

  it("gets a key that was made while the window was closed", async () => {
    running.openRouter.faults.add({
      method: "POST",
      path: "/keys",
      times: 1,
      fault: { kind: "latency", ms: 9_000, when: "after" },
    });
    await workbench.runCommand("Create OpenRouter Key");
    await workbench.quickInput().type("night");
    await workbench.quickInput().accept();
    await waitFor(workbench.page, "the request at OpenRouter", async () => running.openRouter.keys().length === 1);
    await workbench.restart();
    await workbench.notification("The key “night” has arrived.");
    await workbench.openView("OpenRouter Keys");
    await rowSays("night: ▱▱▱▱▱ $25 left");
    assert.deepStrictEqual(running.openRouter.keys().length, 1);
    await workbench.clickNotificationButton("Set Up Tools");
    await askedForTools(workbench);
    await workbench.quickInput().accept();
    const { text } = await workbench.notification("Claude Code uses the key “night”.");
    assert.deepStrictEqual([text.includes("Codex"), await askClaude(place)], [false, "pong"]);
  });

  it("signs out, names the tool that this stops, offers to set it back, and serves no key to anybody any more", async () => {
    await workbench.runCommand("OpenRouter Keys: Sign Out");
    const view = workbench.page.locator(".pane-body .welcome-view-content");
    await view.getByText("Sign in with your company account").waitFor();
    const texts = await workbench.statusBarTexts();
    const said = await workbench.notification("Signed out.");
    await inTheme("signed-out-offer");
    await workbench.clickNotificationButton("Set Tools Back");
    await workbench.notification("Claude Code is set back.");
    assert.deepStrictEqual(
      [said.text, texts.filter((text) => text.includes("$")), await readFile(claudeSettings(), "utf8")],
      ["Signed out. Your keys go on existing. Claude Code gets no key until you sign in again.", [], ownSettings],
    );
  });
});

/** Reads every file below the folders for what looks like a key of OpenRouter or a session. */
async function findSecrets(folders: readonly string[]): Promise<{ secrets: readonly string[]; files: number }> {
  const secrets: string[] = [];
  let files = 0;
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files += 1;
      const text = await readFile(join(entry.parentPath, entry.name), "latin1");
      if (/sk-or-v1-[0-9a-f]{8}|ors_[\w-]{43}/.test(text)) secrets.push(join(entry.parentPath, entry.name));
    }
  }
  return { secrets, files };
}
