import { join } from "node:path";
import { chromium } from "playwright-core";
import type { BrowserContext, Page } from "playwright-core";
import type { Browser } from "./browser.ts";
import { waitFor } from "./wait.ts";

export interface SessionOptions {
  /** Where the browser keeps its profile; VS Code in a browser keeps secrets and global state there. */
  readonly profile: string;
  readonly headless: boolean;
  /** Host name → address[:port]; everything else but 127.0.0.1 is unknown to the browser. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Folders of extensions to load from their sources, in development mode. */
  readonly extensionPaths: readonly string[];
  /** Compiled suite that the extension host runs. */
  readonly suitePath?: string;
}

export async function openBrowser(browser: Browser, options: SessionOptions): Promise<BrowserContext> {
  const rules = Object.entries(options.hosts).map(([name, address]) => `MAP ${name} ${address}`);
  const context = await chromium.launchPersistentContext(options.profile, {
    executablePath: browser.path,
    headless: options.headless || browser.headlessOnly,
    env: { ...definedVariables(), ...browser.env },
    viewport: { width: 1280, height: 800 },
    ignoreHTTPSErrors: true,
    // Without fades: what is on screen is there at once.
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
    args: [
      `--host-resolver-rules=${[...rules, "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"].join(",")}`,
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
      "--no-pings",
      "--font-render-hinting=none",
    ],
  });
  await context.addInitScript(developmentMode, {
    extensions: options.extensionPaths,
    suite: options.suitePath ?? "",
  });
  return context;
}

/** The signs that the workbench is drawn and the server has told it about the extensions. */
export async function waitForWorkbench(page: Page): Promise<void> {
  await waitFor(
    page,
    "VS Code's workbench",
    async () =>
      (await page.locator(".monaco-workbench .part.statusbar .statusbar-item").first().isVisible()) &&
      (await page.locator(".monaco-workbench .part.activitybar .action-item").first().isVisible()),
    60_000,
  );
}

/**
 * Runs in the page, before VS Code reads its configuration there: the workbench takes extensions under development from
 * it. code-server's own service worker goes, because it races the one that webviews need.
 */
function developmentMode(wanted: { extensions: readonly string[]; suite: string }): void {
  if (window.top !== window) return;
  document.addEventListener("readystatechange", () => {
    const element = document.getElementById("vscode-workbench-web-configuration");
    const text = element?.getAttribute("data-settings");
    if (document.readyState !== "interactive" || !element || !text) return;
    const configuration = JSON.parse(text);
    const uri = (path: string) => ({ $mid: 1, scheme: "vscode-remote", authority: location.host, path });
    delete configuration.productConfiguration?.serviceWorker;
    configuration.developmentOptions = {
      ...configuration.developmentOptions,
      ...(wanted.extensions.length === 0 ? {} : { extensions: wanted.extensions.map(uri) }),
      ...(wanted.suite === "" ? {} : { extensionTestsPath: uri(wanted.suite) }),
    };
    element.setAttribute("data-settings", JSON.stringify(configuration));
  });
}

function definedVariables(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Below a data folder: the browser's profile. */
export function profileIn(dataDir: string): string {
  return join(dataDir, "browser");
}
