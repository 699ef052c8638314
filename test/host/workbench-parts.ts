import type { Locator, Page } from "playwright-core";
import { quickInputOf, runCommandFromPalette } from "./quick-input.ts";
import { atOnce, clean, waitFor } from "./wait.ts";

export interface StatusBarItem {
  readonly id: string;
  readonly text: string;
  /** What a screen reader says, which is the text or the tooltip. */
  readonly label: string;
  readonly kind: "normal" | "warning" | "error";
  click(): Promise<void>;
}

export interface Notification {
  readonly severity: "info" | "warning" | "error" | "progress";
  readonly text: string;
  readonly buttons: readonly string[];
}

export interface Dialog {
  readonly text: string;
  readonly detail: string;
  readonly buttons: readonly string[];
  /** Clicks a button and waits until the dialog is gone. */
  click(button: string): Promise<void>;
}

/** `label` is what the theme picker shows; `body` is the class that the workbench has while the theme is on. */
export const themes = {
  light: { label: "Light 2026", body: "vscode-theme-defaults-themes-2026-light-json" },
  dark: { label: "Dark 2026", body: "vscode-theme-defaults-themes-2026-dark-json" },
  hc: { label: "Dark High Contrast", body: "hc-black" },
} as const;

export async function statusBarItem(page: Page, idOrText: string): Promise<StatusBarItem> {
  const items = page.locator(".part.statusbar .statusbar-item:visible");
  return waitFor(page, `the status bar item “${idOrText}”`, async () => {
    for (const item of await items.all()) {
      const id = (await item.getAttribute("id", atOnce)) ?? "";
      const text = clean(await item.innerText(atOnce));
      if (id !== idOrText && !id.endsWith(`.${idOrText}`) && !text.includes(idOrText)) continue;
      const classes = (await item.getAttribute("class", atOnce)) ?? "";
      return {
        id,
        text,
        label: (await item.getAttribute("aria-label", atOnce)) ?? "",
        kind: classes.includes("error-kind") ? "error" : classes.includes("warning-kind") ? "warning" : "normal",
        click: () => item.locator("a").first().click(),
      } satisfies StatusBarItem;
    }
    return undefined;
  });
}

export async function statusBarTexts(page: Page): Promise<readonly string[]> {
  const texts = await page.locator(".part.statusbar .statusbar-item:visible").allInnerTexts();
  return texts.map(clean).filter((text) => text !== "");
}

const toasts = ".notifications-toasts .notification-toast";

async function readNotification(toast: Locator): Promise<Notification> {
  const icon = (await toast.locator(".notification-list-item-icon").first().getAttribute("class", atOnce)) ?? "";
  const isBusy = (await toast.locator(".monaco-progress-container.active").count()) > 0;
  return {
    severity: isBusy
      ? "progress"
      : icon.includes("codicon-error")
        ? "error"
        : icon.includes("codicon-warning")
          ? "warning"
          : "info",
    text: clean(await toast.locator(".notification-list-item-message").first().innerText(atOnce)),
    buttons: (await toast.locator(".notification-list-item-buttons-container .monaco-button").allInnerTexts())
      .map(clean)
      .filter((text) => text !== ""),
  };
}

export async function notifications(page: Page): Promise<readonly Notification[]> {
  return waitFor(page, "the notifications to hold still", async () =>
    Promise.all((await page.locator(`${toasts}:visible`).all()).map(readNotification)),
  );
}

export async function notification(page: Page, text: string): Promise<Notification> {
  return waitFor(page, `a notification “${text}”`, async () =>
    (await notifications(page)).find((shown) => shown.text.includes(text)),
  );
}

export async function clickNotificationButton(page: Page, button: string, inNotification: string): Promise<void> {
  await waitFor(page, `the button “${button}” of a notification`, async () => {
    const toast = page.locator(toasts).filter({ hasText: inNotification });
    await toast.getByRole("button", { name: button, exact: true }).first().click(atOnce);
    return true;
  });
}

export async function dialog(page: Page): Promise<Dialog> {
  const box = page.locator(".monaco-dialog-box:visible");
  return waitFor(page, "a modal dialog", async () => {
    if ((await box.count()) === 0) return undefined;
    // A dialog with one text only has it where others have their detail.
    const [text = "", ...rest] = await box
      .locator("#monaco-dialog-message-text, #monaco-dialog-message-detail")
      .allInnerTexts();
    return {
      text: clean(text),
      detail: clean(rest.join(" ")),
      buttons: (await box.locator(".dialog-buttons .monaco-button").allInnerTexts())
        .map(clean)
        .filter((text) => text !== ""),
      async click(button) {
        await box.getByRole("button", { name: button, exact: true }).first().click(atOnce);
        await waitFor(page, "the dialog to go", async () => (await box.count()) === 0);
      },
    } satisfies Dialog;
  });
}

export async function popup(page: Page, opened: Page[]): Promise<Page> {
  const box = page.locator(".monaco-dialog-box:visible");
  const window = await waitFor(page, "a window opened by VS Code", async () => {
    const first = opened.shift();
    if (first !== undefined) return first;
    const button = box.getByRole("button", { name: "Open", exact: true });
    if ((await button.count()) > 0) await button.first().click(atOnce);
    return undefined;
  });
  await window.waitForLoadState("domcontentloaded");
  return window;
}

export async function setTheme(page: Page, theme: keyof typeof themes): Promise<void> {
  await runCommandFromPalette(page, "Preferences: Color Theme");
  const picker = quickInputOf(page);
  await picker.type(themes[theme].label);
  await picker.pick(themes[theme].label);
  await waitFor(page, `the theme “${theme}”`, async () =>
    ((await page.locator(".monaco-workbench").first().getAttribute("class")) ?? "")
      .split(" ")
      .includes(themes[theme].body),
  );
}
