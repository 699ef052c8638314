import type { Locator, Page } from "playwright-core";
import { atOnce, clean, waitFor } from "./wait.ts";

/** What a quick pick or an input box shows. */
export interface QuickInputContent {
  readonly title: string;
  /** The line below the input: the prompt, or what is wrong with the value. */
  readonly message: string;
  readonly placeholder: string;
  readonly value: string;
  /** The rows that are drawn. */
  readonly rows: readonly QuickPickRow[];
}

export interface QuickPickRow {
  readonly label: string;
  readonly description: string;
  /** The second line. */
  readonly detail: string;
  /** Only where several can be chosen. */
  readonly checked?: boolean;
}

/** A command's own input box or quick pick (never the command palette). Each call waits until it is there. */
export interface QuickInput {
  read(): Promise<QuickInputContent>;
  type(text: string): Promise<void>;
  /** Waits until the line below the input contains `text`; answers the whole line. */
  message(text: string): Promise<string>;
  accept(): Promise<void>;
  /** Chooses the row whose label is `label`. */
  pick(label: string): Promise<void>;
  /** Ticks or unticks the row whose label is `label`, in a quick pick of several. */
  toggle(label: string): Promise<void>;
  /** Presses a button in the title or in a row, by its tooltip. */
  press(tooltip: string): Promise<void>;
  cancel(): Promise<void>;
}

export function quickInputOf(page: Page): QuickInput {
  const widget = page.locator(".quick-input-widget:visible");
  const input = widget.locator("input.input").first();
  const isPalette = async () => (await input.isVisible()) && (await input.inputValue()).startsWith(">");

  async function own(what: string): Promise<void> {
    await waitFor(page, what, async () => (await widget.isVisible()) && !(await isPalette()));
  }

  return {
    async read() {
      await own("an input box or a quick pick");
      const text = async (selector: string) => clean(await widget.locator(selector).first().innerText(atOnce));
      const hasInput = await input.isVisible();
      return {
        title: await text(".quick-input-title"),
        message: await text(".quick-input-message"),
        placeholder: hasInput ? ((await input.getAttribute("placeholder")) ?? "") : "",
        value: hasInput ? await input.inputValue() : "",
        rows: await readRows(widget),
      };
    },

    async type(text) {
      await own(`an input to type “${text}” into`);
      await waitFor(page, `the input to take “${text}”`, async () => {
        await input.fill(text, atOnce);
        return (await input.inputValue()) === text;
      });
    },

    async message(text) {
      await own(`the message “${text}”`);
      const line = widget.locator(".quick-input-message").first();
      return waitFor(page, `the message “${text}”`, async () => {
        const shown = clean(await line.innerText(atOnce));
        return shown.includes(text) ? shown : undefined;
      });
    },

    async accept() {
      await own("an input to accept");
      await input.press("Enter");
    },

    async pick(label) {
      await own(`a quick pick with “${label}”`);
      await waitFor(page, `the row “${label}”`, async () => {
        const row = await findRow(widget, (shown) => shown === label);
        await row?.click(atOnce);
        return row !== undefined;
      });
    },

    async toggle(label) {
      await own(`a quick pick with “${label}”`);
      await waitFor(page, `the row “${label}”`, async () => {
        const row = await findRow(widget, (shown) => shown === label);
        await row?.click(atOnce);
        return row !== undefined;
      });
    },

    async press(tooltip) {
      await own(`a button “${tooltip}”`);
      const button = widget.locator(
        `.action-label[aria-label^="${tooltip}"], .monaco-button[aria-label^="${tooltip}"]`,
      );
      const named = widget.getByRole("button", { name: tooltip });
      await waitFor(page, `the button “${tooltip}”`, async () => {
        const found = (await button.count()) > 0 ? button.first() : named.first();
        await found.click({ ...atOnce, force: true });
        return true;
      });
    },

    async cancel() {
      await own("an input to cancel");
      await page.keyboard.press("Escape");
    },
  };
}

/**
 * Runs a command from the palette by its title, with or without its category. Afterwards the palette is gone (what the
 * command shows may be there already).
 */
export async function runCommandFromPalette(page: Page, title: string): Promise<void> {
  const widget = page.locator(".quick-input-widget:visible");
  const input = widget.locator("input.input").first();
  const isOpen = async () => (await input.isVisible()) && (await input.inputValue(atOnce)).startsWith(">");
  const wanted = `>${title}`;
  let filled = 0;
  await waitFor(
    page,
    `the command “${title}” in the palette`,
    async () => {
      if (!(await isOpen())) {
        await page.keyboard.press("F1");
        await input.waitFor(atOnce);
        if (!(await isOpen())) return false;
      }
      // The host may still be telling which commands there are: then the list is asked for again.
      if ((await input.inputValue(atOnce)) !== wanted || performance.now() - filled > 1500) {
        await input.fill(">", atOnce);
        await input.fill(wanted, atOnce);
        filled = performance.now();
      }
      const row = await findRow(widget, (label) => label === title || label.endsWith(`: ${title}`));
      if (row === undefined) return false;
      await row.click(atOnce).catch(async (error: unknown) => {
        // On a busy machine a click may do its work and be called too late: then the palette is gone.
        if (await isOpen()) throw error;
      });
      return true;
    },
    30_000,
  );
  await waitFor(page, "the palette to go", async () => !(await isOpen()));
}

async function readRows(widget: Locator): Promise<QuickPickRow[]> {
  return widget.locator(".quick-input-list .monaco-list-row").evaluateAll((rows) =>
    rows.map((row) => {
      const text = (selector: string) => row.querySelector(selector)?.textContent.replace(/\s+/g, " ").trim() ?? "";
      const checkbox = row.querySelector<HTMLElement>("[role=checkbox]");
      return {
        label: text(".quick-input-list-row:first-child .label-name"),
        description: text(".quick-input-list-row:first-child .label-description"),
        detail: text(".quick-input-list-label-meta .label-name"),
        ...(checkbox?.checkVisibility() === true ? { checked: checkbox.getAttribute("aria-checked") === "true" } : {}),
      };
    }),
  );
}

/** The first drawn row whose label is accepted; read in one go, because the list changes while one types. */
async function findRow(widget: Locator, accepts: (label: string) => boolean): Promise<Locator | undefined> {
  const rows = widget.locator(".quick-input-list .monaco-list-row");
  const labels = await rows.locator(".quick-input-list-row:first-child .label-name").allInnerTexts();
  const index = labels.findIndex((label) => accepts(clean(label)));
  return index < 0 ? undefined : rows.nth(index).locator(".quick-input-list-label");
}
