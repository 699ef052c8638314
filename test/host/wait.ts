import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";

const artefacts = join(import.meta.dirname, "../artefacts");

/** Saves what the page shows as test/artefacts/<name>.png; answers the file. */
export async function saveScreenshot(page: Page, name: string): Promise<string> {
  await mkdir(artefacts, { recursive: true });
  const file = join(artefacts, `${name.replace(/[^\w.-]+/g, "-").slice(0, 80)}.png`);
  await page.screenshot({ path: file, timeout: 10_000, animations: "disabled" });
  return file;
}

/**
 * Asks `probe` until it answers something other than undefined or false. After the deadline (15 s unless told) it throws
 * an error that says what was waited for and what was on screen, and saves a screenshot.
 */
export async function waitFor<T>(
  page: Page,
  what: string,
  probe: () => Promise<T | undefined | false>,
  deadlineMs = 15_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let trouble = "";
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      // The page changes under the probe; the next try sees it settled.
      trouble = error instanceof Error ? `\nLast error: ${error.message.split("\n")[0] ?? ""}` : "";
    }
    if (performance.now() > end) break;
    await delay(100);
  }
  throw new Error(`Waited ${deadlineMs / 1000} s for ${what}.\n${await describeScreen(page)}${trouble}`);
}

/** Clicks go without Playwright's long waits: the probe around them is what repeats. */
export const atOnce = { timeout: 2000 } as const;

/** Text as a person reads it: on one line, single spaces. */
export const clean = (text: string): string => text.replace(/\s+/g, " ").trim();

async function describeScreen(page: Page): Promise<string> {
  try {
    const file = await saveScreenshot(page, `failure-${Date.now()}`);
    const seen = await page.evaluate(() => {
      const texts = (selector: string) =>
        [...document.querySelectorAll<HTMLElement>(selector)]
          .filter((element) => element.checkVisibility())
          .map((element) => element.innerText.replace(/\s+/g, " ").trim())
          .filter((text) => text !== "");
      const input = document.querySelector<HTMLInputElement>(".quick-input-widget input.input");
      return {
        title: document.title,
        dialog: texts(".monaco-dialog-box"),
        "quick input": texts(".quick-input-widget"),
        "its value": input !== null && input.checkVisibility() ? [input.value] : [],
        notifications: texts(".notification-list-item"),
        "side bar": texts(".part.sidebar .title-label, .part.sidebar .pane-header, .part.sidebar .monaco-list-row"),
        menu: texts(".monaco-menu .action-item"),
        "status bar": texts(".part.statusbar .statusbar-item"),
      };
    });
    const lines = Object.entries(seen)
      .filter(([, value]) => value.length > 0)
      .map(([name, value]) => `  ${name}: ${typeof value === "string" ? value : value.join(" | ")}`);
    return `On screen (${file}):\n${lines.join("\n")}`;
  } catch (error) {
    return `(nothing could be read from the page: ${String(error)})`;
  }
}
