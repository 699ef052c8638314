import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { extensionPath } from "../start/main-job.ts";
import { databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { openFrontDoor } from "./front-door.ts";
import type { FrontDoor } from "./front-door.ts";
import { settingsFile } from "./server.ts";
import { atOnce, clean, waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";
import type { Notification } from "./workbench-parts.ts";

/** The real VS Code, and the function behind a door that the test opens and shuts. */
export interface Stage {
  readonly running: RunningFunction;
  readonly door: FrontDoor;
  readonly workbench: Workbench;
  /** Waits for the toast that holds `text`, takes its picture, then clears all toasts away. */
  says(text: string, picture?: string): Promise<Notification>;
  /** Waits until the log says for one more time that `command` was cancelled; answers the toasts that are left. */
  endsSilently(command: string, act: () => Promise<void>): Promise<readonly string[]>;
  /** Waits until the log of the extension has this line more often than before `act`. */
  logs(line: string, act: () => Promise<void>): Promise<void>;
  /** Waits for the view without keys to say `text`; answers its buttons. */
  welcomes(text: string): Promise<readonly string[]>;
  /** Types into the settings editor, as a person does who was led there, and closes it. */
  set(id: string, value: string): Promise<void>;
  /** Light and dark. */
  screenshots(name: string): Promise<void>;
  /** One of them, light after dark and dark after light. */
  inOtherTheme(name: string): Promise<void>;
  close(): Promise<void>;
}

interface StageOptions {
  /** What stands in the person's settings at first. */
  readonly userSettings: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string>>;
}

export async function openStage({ userSettings, environment }: StageOptions): Promise<Stage> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).toReversed()) await end();
  };
  try {
    const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-bad-"));
    closers.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
    const stores = await databaseKinds[1].open();
    closers.push(() => stores.close());
    const running = await startFunction({ stores, environment });
    closers.push(() => running.stop());
    const door = await openFrontDoor(running.url);
    closers.push(() => door.close());
    const workbench = await startWorkbench({
      extensionPath,
      folder: join(folder, "project"),
      home: join(folder, "home"),
      dataDir: join(folder, "editor"),
      userSettings,
      // Without the tools that this machine may have.
      env: { PATH: "/usr/bin:/bin" },
    });
    closers.push(() => workbench.close());
    return { running, door, workbench, ...observe(workbench), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Looks at a workbench and acts in it as a person who reads what it says. */
export function observe(workbench: Workbench): Omit<Stage, "running" | "door" | "workbench" | "close"> {
  async function count(line: string): Promise<number> {
    return (await workbench.output("OpenRouter Keys")).split(line).length - 1;
  }

  async function logs(line: string, act: () => Promise<void>): Promise<void> {
    const before = await count(line);
    await act();
    await waitFor(workbench.page, `“${line}” in the log`, async () => (await count(line)) > before);
  }

  let theme: "light" | "dark" = "dark";
  async function inOtherTheme(name: string): Promise<void> {
    theme = theme === "dark" ? "light" : "dark";
    await workbench.setTheme(theme);
    await workbench.screenshot(`${name}-${theme}`);
  }

  return {
    logs,
    async says(text, picture = `said ${text}`) {
      await workbench.notification(text);
      // VS Code holds toasts back that come faster than any person acts; a look in the other theme is slow enough.
      await inOtherTheme(picture);
      const said = await workbench.notification(text);
      await workbench.runCommand("Notifications: Clear All Notifications");
      return said;
    },
    async endsSilently(command, act) {
      await logs(`${command}: cancelled`, act);
      return (await workbench.notifications()).map(({ text }) => text);
    },
    async welcomes(text) {
      const view = workbench.page.locator(".pane-body .welcome-view-content:visible");
      await waitFor(workbench.page, `a view that says “${text}”`, async () => view.getByText(text).isVisible());
      return (await view.getByRole("button").allInnerTexts()).map(clean);
    },
    async set(id, value) {
      const editor = workbench.page.locator(".settings-editor");
      if (!(await editor.isVisible())) await workbench.runCommand("Preferences: Open Settings (UI)");
      const search = editor.locator(".suggest-input-container .native-edit-context, .suggest-input-container textarea");
      const setting = editor.locator(`.setting-item-contents[data-key="${id}"] input`);
      await waitFor(workbench.page, `the setting ${id}`, async () => {
        if (await setting.isVisible()) return true;
        await search.first().focus(atOnce);
        await workbench.page.keyboard.press("ControlOrMeta+a");
        await workbench.page.keyboard.type(`@id:${id}`);
        await setting.waitFor(atOnce);
        return true;
      });
      await setting.fill(value);
      // What was typed is saved after a moment; closing before would lose it.
      await waitFor(workbench.page, `${id} to be saved`, async () => {
        const saved: unknown = JSON.parse(await readFile(settingsFile(workbench.dataDir), "utf8"));
        // An empty text is what these settings have without being set.
        return (new Map(Object.entries(Object(saved))).get(id) ?? "") === value;
      });
      await waitFor(workbench.page, "the settings editor to go", async () => {
        if (!(await editor.isVisible())) return true;
        await workbench.page.keyboard.press("Escape");
        return false;
      });
    },
    async screenshots(name) {
      await inOtherTheme(name);
      await inOtherTheme(name);
    },
    inOtherTheme,
  };
}
