import { mkdir } from "node:fs/promises";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { openBrowser, profileIn, waitForWorkbench } from "./page-session.ts";
import { quickInputOf, runCommandFromPalette } from "./quick-input.ts";
import type { QuickInput } from "./quick-input.ts";
import { startServer, writeSettings } from "./server.ts";
import type { Server } from "./server.ts";
import { ensureHost } from "./setup.ts";
import { saveScreenshot } from "./wait.ts";
import type { TreeRow } from "./views.ts";
import * as views from "./views.ts";
import * as ui from "./workbench-parts.ts";
import type { Dialog, Notification, StatusBarItem } from "./workbench-parts.ts";
import { readOutput } from "./output.ts";

export interface WorkbenchOptions {
  /** Extension folder, loaded in development mode. Either this or `vsix`, or neither. */
  readonly extensionPath?: string;
  /** Further folders of extensions in development mode, which stand in for the editor's own of the same id. */
  readonly moreExtensions?: readonly string[];
  /** Packaged extension, installed before the start. */
  readonly vsix?: string;
  /** The folder that is opened. */
  readonly folder: string;
  readonly userSettings?: Readonly<Record<string, unknown>>;
  /** HOME of the extension host; made if missing. */
  readonly home: string;
  /** Variables of the extension host, besides PATH, LANG, HOME and XDG_*. */
  readonly env?: Readonly<Record<string, string>>;
  readonly port?: number;
  /** Keeps settings, secrets, logs and the browser's profile; use it again, with the same port, to find them again. */
  readonly dataDir: string;
  readonly headless?: boolean;
  /** Names the browser knows: host name → 127.0.0.1, or 127.0.0.1:port. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** VS Code asks if the folder is trusted; off unless told. */
  readonly trust?: boolean;
  /** code-server's own /proxy/PORT; on unless told. */
  readonly proxy?: boolean;
  /** Serve https under https://code.test:PORT with a self-signed certificate. */
  readonly tls?: boolean;
  /** Compiled mocha suite that the extension host runs instead of waiting for a person. */
  readonly suite?: { readonly path: string; readonly env?: Readonly<Record<string, string>> };
}

/** A VS Code with a person in front of it. Every wait has a deadline, and says what was on screen when it passes. */
export interface Workbench {
  /** The page of VS Code; another one after `restart()`. */
  readonly page: Page;
  readonly context: BrowserContext;
  /** Of the server, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Runs a command by its title (with or without category) from the palette. */
  runCommand(title: string): Promise<void>;
  quickInput(): QuickInput;
  /** By the item's id ("name" or "publisher.extension.name") or by a part of its text; waits for it. */
  statusBarItem(idOrText: string): Promise<StatusBarItem>;
  /** All texts of the status bar. */
  statusBarTexts(): Promise<readonly string[]>;
  /** The rows that are drawn of one tree (long trees draw only what is in sight). */
  treeRows(viewTitle: string): Promise<readonly TreeRow[]>;
  /** The row of a tree whose label is `label`; waits for it. */
  treeRow(viewTitle: string, label: string): Promise<Locator>;
  /** Presses a button of a view's title bar (all of them) by its tooltip. */
  pressViewButton(viewTitle: string, tooltip: string): Promise<void>;
  /** The toasts that are shown. */
  notifications(): Promise<readonly Notification[]>;
  /** Waits for a toast that contains `text`. */
  notification(text: string): Promise<Notification>;
  clickNotificationButton(button: string, inNotification?: string): Promise<void>;
  /** Waits for the modal dialog. */
  dialog(): Promise<Dialog>;
  /** Opens the row's context menu and chooses an item; `readContextMenu` only reads it. */
  contextMenu(row: Locator, item: string): Promise<void>;
  readContextMenu(row: Locator): Promise<readonly string[]>;
  /** Shows a view container by its title in the activity bar. */
  openView(containerTitle: string): Promise<void>;
  /** Everything an output channel has, from its log file. */
  output(channel: string): Promise<string>;
  /** The window that openExternal opens, after accepting VS Code's dialog about it, if it asks. */
  popup(): Promise<Page>;
  /** A second window of the same person with the same folder. It goes with the first. */
  secondWindow(): Promise<Page>;
  /** Saves test/artefacts/<name>.png; answers the file. */
  screenshot(name: string): Promise<string>;
  reload(): Promise<void>;
  /** Stops server and browser and starts them again with the same port and profile. */
  restart(): Promise<void>;
  /** Changes user settings; VS Code is reloaded, because it does not follow changes of the file. */
  changeSettings(settings: Readonly<Record<string, unknown>>): Promise<void>;
  setTheme(theme: "light" | "dark" | "hc"): Promise<void>;
  /** What the server printed. */
  serverLog(): string;
  /** Only with `suite`: the exit code the suite ended with, and what it printed. */
  suiteExit(): Promise<{ readonly code: number; readonly printed: readonly string[] }>;
  close(): Promise<void>;
}

const tlsName = "code.test";

/** Starts VS Code and a browser that shows it. Close it in a `finally` or an `after`. */
export async function startWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  const host = await ensureHost();
  if (options.tls === true && !host.browser.https) {
    throw new Error("The browser from npm cannot open https here. On Debian: `apt-get install -y libsqlite3-0`.");
  }
  await mkdir(options.folder, { recursive: true });
  await mkdir(options.dataDir, { recursive: true });

  const printed: string[] = [];
  let endSuite: (code: number) => void = () => undefined;
  const suiteEnd = new Promise<number>((resolve) => (endSuite = resolve));

  async function start(port: number | undefined, first: boolean): Promise<Running> {
    const server = await startServer(host, {
      dataDir: options.dataDir,
      home: options.home,
      env: { ...options.env, ...options.suite?.env },
      trust: options.trust ?? false,
      proxy: options.proxy ?? true,
      ...(first && options.userSettings !== undefined ? { userSettings: options.userSettings } : {}),
      ...(first && options.vsix !== undefined ? { vsix: options.vsix } : {}),
      ...(port === undefined ? {} : { port }),
      ...(options.tls === true ? { tlsName } : {}),
    });
    try {
      const context = await openBrowser(host.browser, {
        profile: profileIn(options.dataDir),
        headless: options.headless ?? true,
        hosts: { ...options.hosts, ...(options.tls === true ? { [tlsName]: "127.0.0.1" } : {}) },
        extensionPaths: [
          ...(options.extensionPath === undefined ? [] : [options.extensionPath]),
          ...(options.moreExtensions ?? []),
        ],
        ...(options.suite === undefined ? {} : { suitePath: options.suite.path }),
      });
      try {
        const page = context.pages()[0] ?? (await context.newPage());
        const popups: Page[] = [];
        context.on("page", (opened) => popups.push(opened));
        if (options.suite !== undefined) {
          await page.exposeFunction("codeAutomationExit", (code: number) => endSuite(code));
          await page.exposeFunction("codeAutomationLog", (_kind: string, args: unknown[]) => {
            printed.push(args.map(String).join(" "));
          });
        }
        await page.goto(`${server.url}/?folder=${encodeURIComponent(options.folder)}`);
        await waitForWorkbench(page);
        return { server, context, page, popups };
      } catch (error) {
        await context.close();
        throw error;
      }
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  let running = await start(options.port, true);

  async function stop(): Promise<void> {
    await running.context.close();
    await running.server.stop();
  }

  return {
    get page() {
      return running.page;
    },
    get context() {
      return running.context;
    },
    get url() {
      return running.server.url;
    },
    get port() {
      return running.server.port;
    },
    dataDir: options.dataDir,
    runCommand: (title) => runCommandFromPalette(running.page, title),
    quickInput: () => quickInputOf(running.page),
    statusBarItem: (idOrText) => ui.statusBarItem(running.page, idOrText),
    statusBarTexts: () => ui.statusBarTexts(running.page),
    treeRows: (viewTitle) => views.treeRows(running.page, viewTitle),
    treeRow: (viewTitle, label) => views.treeRow(running.page, viewTitle, label),
    pressViewButton: (viewTitle, tooltip) => views.pressViewButton(running.page, viewTitle, tooltip),
    notifications: () => ui.notifications(running.page),
    notification: (text) => ui.notification(running.page, text),
    clickNotificationButton: (button, inNotification) =>
      ui.clickNotificationButton(running.page, button, inNotification ?? ""),
    dialog: () => ui.dialog(running.page),
    contextMenu: (row, item) => views.chooseFromContextMenu(running.page, row, item),
    readContextMenu: (row) => views.readContextMenu(running.page, row),
    openView: (containerTitle) => views.openView(running.page, containerTitle),
    output: (channel) => readOutput(options.dataDir, channel),
    popup: () => ui.popup(running.page, running.popups),
    async secondWindow() {
      const page = await running.context.newPage();
      const index = running.popups.indexOf(page);
      if (index >= 0) running.popups.splice(index, 1);
      await page.goto(running.page.url());
      await waitForWorkbench(page);
      return page;
    },
    screenshot: (name) => saveScreenshot(running.page, name),
    async reload() {
      await running.page.reload();
      await waitForWorkbench(running.page);
    },
    async restart() {
      const { port } = running.server;
      await stop();
      running = await start(port, false);
    },
    setTheme: (theme) => ui.setTheme(running.page, theme),
    async changeSettings(settings) {
      await writeSettings(options.dataDir, settings);
      await running.page.reload();
      await waitForWorkbench(running.page);
    },
    serverLog: () => running.server.log(),
    suiteExit: async () => ({ code: await suiteEnd, printed }),
    close: stop,
  };
}

interface Running {
  readonly server: Server;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Windows opened and not yet asked for. */
  readonly popups: Page[];
}
