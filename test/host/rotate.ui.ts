// Rotating a key in a real VS Code, with a real command line that uses it all the while.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import {
  allowAndSignIn,
  askClaude,
  createKeyWithTools,
  openEditorWithTools,
  signInInBrowser,
} from "../start/main-job.ts";
import type { JobPlace } from "../start/main-job.ts";
import { databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { observe } from "./bad-input-stage.ts";
import { waitFor } from "./wait.ts";
import type { Workbench } from "./workbench.ts";

describe("Rotating a key", function () {
  this.timeout(180_000);
  // One person, one day: what comes later builds on what came before.
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let running: RunningFunction;
  let place: JobPlace;
  let workbench: Workbench;
  let stage: ReturnType<typeof observe>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-rotate-"));
    stores = await databaseKinds[1].open();
    running = await startFunction({ stores });
    place = { folder, functionUrl: running.url, openRouterUrl: running.openRouter.apiUrl };
    workbench = await openEditorWithTools(place);
    stage = observe(workbench);
    await workbench.openView("OpenRouter Keys");
    await workbench.runCommand("Create OpenRouter Key");
    await allowAndSignIn(workbench, "grace@example.com");
    await createKeyWithTools(workbench, "laptop");
    await workbench.runCommand("Notifications: Clear All Notifications");
  });

  after(async () => {
    await workbench?.close();
    await running?.stop();
    await stores?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  /** The keys at OpenRouter, oldest first. */
  const keys = () => running.openRouter.keys().toReversed();
  const hashes = () => keys().map(({ hash }) => hash);

  /** The keys with which Claude Code has asked since the last time. */
  async function claudeUses(): Promise<readonly (string | undefined)[]> {
    running.openRouter.clearRequests();
    assert.equal(await askClaude(place), "pong");
    const asked = running.openRouter.requests.filter(({ path }) => path.endsWith("/messages"));
    return [...new Set(asked.map(({ credential }) => credential))];
  }

  async function rows(count: number): Promise<readonly string[]> {
    return waitFor(workbench.page, `${count} keys`, async () => {
      // The one that is replaced stands in a group.
      const found = (await workbench.treeRows("Keys")).filter(({ expanded }) => expanded === undefined);
      return found.length === count ? found.map(({ label, description }) => `${label}: ${description}`) : undefined;
    });
  }

  it("takes one click: the tool goes on with the new key at once, and the old one works for an hour", async () => {
    const [first] = hashes();
    const row = await workbench.treeRow("Keys", "laptop");
    const menu = await workbench.readContextMenu(row);
    await workbench.contextMenu(row, "Rotate OpenRouter Key");
    await workbench.notification("is rotated");
    const shown = await rows(2);
    await stage.inOtherTheme("rotated");
    const said = await stage.says("is rotated", "rotated");
    const [old, next] = keys();
    assert.deepStrictEqual(
      {
        menu,
        says: said.text.replace(/\d\d:\d\d/, "hh:mm"),
        severity: said.severity,
        rows: shown.map((text) => [text.includes("retiring"), text.includes("used by tools")]).toSorted(),
        upstream: [old?.hash === first, old?.disabled, next?.disabled, next?.limit],
        claude: await claudeUses(),
      },
      {
        menu: ["Rename Key", "Disable Key", "Rotate OpenRouter Key", "Request Raise", "Copy Secret…", "Delete Key"],
        says: "The key “laptop” is rotated: Claude Code and Codex use the new one, and the old one stops working at hh:mm.",
        severity: "info",
        rows: [
          [false, true],
          [true, false],
        ],
        upstream: [true, false, false, 25],
        claude: [next?.hash],
      },
    );
  });

  it("leaves one key when the hour is over", async () => {
    running.advance(61 * 60_000);
    await running.settleDue();
    await workbench.runCommand("OpenRouter Keys: Refresh");
    const usable = keys().filter(({ disabled }) => !disabled);
    assert.deepStrictEqual([usable.length, await claudeUses()], [1, [usable[0]?.hash]]);
  });

  it("ends by itself when the window was closed on the way, with one successor that the tool gets", async () => {
    running.openRouter.faults.add({
      method: "POST",
      path: "/keys",
      times: 1,
      fault: { kind: "latency", ms: 9_000, when: "after" },
    });
    const before = hashes();
    await workbench.runCommand("Rotate OpenRouter Key");
    await workbench.quickInput().accept();
    await waitFor(workbench.page, "the request at OpenRouter", async () => hashes().length > before.length);
    await workbench.restart();
    const said = await workbench.notification("is rotated");
    await workbench.runCommand("Notifications: Clear All Notifications");
    const made = hashes().filter((hash) => !before.includes(hash));
    assert.deepStrictEqual(
      [said.text.includes("Claude Code and Codex use the new one"), made.length, await claudeUses()],
      [true, 1, made],
    );
  });

  it("signs in once more after 12 hours, and goes on with what was begun", async () => {
    running.advance(13 * 3_600_000);
    await running.settleDue();
    await workbench.openView("OpenRouter Keys");
    await workbench.runCommand("OpenRouter Keys: Refresh");
    const begun = running.records.length;
    await workbench.runCommand("Rotate OpenRouter Key");
    await workbench.quickInput().accept();
    await signInInBrowser(workbench, "grace@example.com");
    await workbench.notification("is rotated");
    const rotations = running.records.slice(begun).filter(({ route }) => route === "/v1/keys/:id/rotate");
    const usable = keys().filter(({ disabled }) => !disabled);
    assert.deepStrictEqual(
      [rotations.map(({ status }) => status), await claudeUses()],
      [[401, 201], [usable.at(-1)?.hash]],
    );
  });
});
