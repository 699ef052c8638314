import type { Locator, Page } from "playwright-core";

import { atOnce, clean, waitFor } from "./wait.ts";

export interface TreeRow {
  readonly label: string;
  readonly description: string;
  /** 1 at the top. */
  readonly level: number;
  readonly expanded: boolean | undefined;
}

/** A view's pane: by its own header, or, where it is alone in its container, by the container's title. */
async function pane(page: Page, viewTitle: string): Promise<Locator> {
  return waitFor(page, `the view “${viewTitle}”`, async () => {
    for (const found of await page.locator(".part .pane").all()) {
      const header = found.locator(".pane-header");
      const label = (await header.getAttribute("aria-label", atOnce)) ?? "";
      if (!(await found.isVisible()) || label.replace(/ Section$/, "").toLowerCase() !== viewTitle.toLowerCase())
        continue;
      if ((await header.getAttribute("aria-expanded", atOnce)) === "false") {
        await header.click(atOnce);
        return undefined;
      }
      return found;
    }
    return undefined;
  });
}

const rowsOf = (found: Locator) => found.locator(".pane-body .monaco-list-row");

/** The rows that are drawn, in one go: a row may go while others are read, and would be waited for. */
async function readRows(found: Locator): Promise<readonly TreeRow[]> {
  const rows = await rowsOf(found).evaluateAll((elements) =>
    elements.map((row) => {
      const text = (selector: string) => row.querySelector<HTMLElement>(selector)?.innerText ?? "";
      return {
        label: text(".monaco-icon-label .label-name"),
        description: text(".monaco-icon-label .label-description"),
        level: Number(row.getAttribute("aria-level")),
        expanded: row.getAttribute("aria-expanded"),
      };
    }),
  );
  return rows.map(({ label, description, level, expanded }) => ({
    label: clean(label),
    description: clean(description),
    level,
    expanded: expanded === null ? undefined : expanded === "true",
  }));
}

export async function treeRows(page: Page, viewTitle: string): Promise<readonly TreeRow[]> {
  return waitFor(page, `the rows of “${viewTitle}”`, async () => readRows(await pane(page, viewTitle)));
}

export async function treeRow(page: Page, viewTitle: string, label: string): Promise<Locator> {
  const found = await pane(page, viewTitle);
  return waitFor(page, `the row “${label}” in “${viewTitle}”`, async () => {
    const index = (await readRows(found)).findIndex((row) => row.label === label);
    return index < 0 ? undefined : rowsOf(found).nth(index);
  });
}

export async function pressViewButton(page: Page, viewTitle: string, tooltip: string): Promise<void> {
  const found = await pane(page, viewTitle);
  const wanted = `.action-label[aria-label^="${tooltip}"]`;
  await waitFor(page, `the button “${tooltip}” of “${viewTitle}”`, async () => {
    await found.hover(atOnce);
    const own = found.locator(`.pane-header ${wanted}`);
    const ofContainer = page.locator(`.part .composite.title ${wanted}`);
    const button = (await own.count()) > 0 ? own.first() : ofContainer.first();
    await button.click(atOnce);
    return true;
  });
}

const menuItems = ".context-view .monaco-menu .action-item:not(.disabled) .action-label";

/** VS Code ignores clicks in the first 100 ms of a menu, so this is about what is there after them. */
async function inContextMenu<T>(
  page: Page,
  row: Locator,
  what: string,
  act: (items: Locator) => Promise<T | undefined>,
): Promise<T> {
  const items = page.locator(menuItems);
  return waitFor(page, what, async () => {
    if ((await items.count()) === 0) {
      await row.click({ button: "right", ...atOnce });
      await items.first().waitFor(atOnce);
    }
    return act(items);
  });
}

async function closeContextMenu(page: Page): Promise<void> {
  await waitFor(page, "the menu to go", async () => {
    if ((await page.locator(menuItems).count()) === 0) return true;
    await page.keyboard.press("Escape");
    return false;
  });
}

export async function readContextMenu(page: Page, row: Locator): Promise<readonly string[]> {
  const texts = await inContextMenu(page, row, "the context menu", (items) => items.allInnerTexts());
  await closeContextMenu(page);
  return texts.map(clean).filter((text) => text !== "");
}

export async function chooseFromContextMenu(page: Page, row: Locator, item: string): Promise<void> {
  let chosen = false;
  await inContextMenu(page, row, `the menu item “${item}”`, async (items) => {
    const labels = (await items.allInnerTexts()).map(clean);
    const index = labels.indexOf(item);
    if (index < 0) return undefined;
    await items.nth(index).click({ delay: 20, ...atOnce });
    chosen = true;
    return true;
  });
  await waitFor(page, "the menu to go", async () => {
    const items = page.locator(menuItems);
    if ((await items.count()) === 0) return chosen;
    const index = (await items.allInnerTexts()).map(clean).indexOf(item);
    if (index >= 0) await items.nth(index).click(atOnce);
    return false;
  });
}

export async function openView(page: Page, containerTitle: string): Promise<void> {
  await waitFor(page, `the view container “${containerTitle}”`, async () => {
    const item = page.locator(".part.activitybar .action-item", {
      has: page.locator(`a[aria-label^="${containerTitle}"]`),
    });
    if ((await item.getAttribute("aria-expanded", atOnce)) === "true") return true;
    await item.click(atOnce);
    return false;
  });
}
