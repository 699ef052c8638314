// Signing in where VS Code is a page in a browser and the browser comes back to that page: the one way in which the real
// editor hands an address to the extension's handler here. The window is reloaded meanwhile, and thousands of forged
// addresses arrive. Not in the suite inside the extension host: VS Code refuses every dialog there, and with it the
// consent without which no sign-in waits for an address; so another extension beside ours opens them.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Page } from "playwright-core";
import * as z from "zod/mini";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { freePorts } from "../start/free-ports.ts";
import { extensionPath } from "../start/main-job.ts";
import { closeDatabases, databaseKinds } from "../support/databases.ts";
import { forgedCallbacks } from "../support/forged-callbacks.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { observe } from "./bad-input-stage.ts";
import { openFrontDoor } from "./front-door.ts";
import type { FrontDoor } from "./front-door.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

const product = z.object({ commit: z.string() });
const Knocked = z.object({
  opened: z.number(),
  uncaught: z.array(z.string()),
  isSignedIn: z.boolean(),
});
const forgedCount = 2_000;

describe("Signing in to the page of VS Code itself", function () {
  this.timeout(120_000);
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let running: RunningFunction;
  let door: FrontDoor;
  let workbench: Workbench;
  let stage: ReturnType<typeof observe>;
  let knocker: Server;
  /** The browser, where the person has only to agree. */
  let popup: Page;
  /** What the knocker finds to do, and what it says when it is done. */
  let callbacks: readonly object[] = [];
  const knocked = Promise.withResolvers<z.infer<typeof Knocked>>();
  const asked = Promise.withResolvers<unknown>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-own-page-"));
    stores = await databaseKinds[0].open();
    const [port = 0] = await freePorts(1);
    const server = join(import.meta.dirname, "node_modules/code-server/lib/vscode/product.json");
    const { commit } = product.parse(JSON.parse(await readFile(server, "utf8")));
    const environment = { SESSION_REDIRECTS: `https://code.test:${port}/stable-${commit}/callback` };
    running = await startFunction({ stores, environment });
    door = await openFrontDoor(running.url);
    knocker = createServer((request, response) => {
      if (request.method === "GET") {
        response.end(JSON.stringify({ authority: "openrouter-keys.openrouter-keys", callbacks }));
      } else {
        void text(request).then((body) => {
          if (request.url === "/asked") asked.resolve(JSON.parse(body));
          else knocked.resolve(Knocked.parse(JSON.parse(body)));
          response.end();
        });
      }
    });
    await new Promise<void>((resolve) => knocker.listen(0, "127.0.0.1", resolve));
    const address = knocker.address();
    assert.ok(address !== null && typeof address === "object");
    workbench = await startWorkbench({
      extensionPath,
      moreExtensions: [join(import.meta.dirname, "knocker")],
      folder: join(folder, "project"),
      home: join(folder, "home"),
      dataDir: join(folder, "editor"),
      port,
      tls: true,
      userSettings: { "openrouterKeys.functionUrl": door.url },
      env: { PATH: "/usr/bin:/bin", KNOCKER: `http://127.0.0.1:${address.port}` },
    });
    // A function on this machine is shown through code-server, under its name, where the function's own address has no
    // cookie. One that has a public address, as everybody's has, is opened directly: so is this one here.
    await workbench.context.route(/^https:\/\/code\.test:\d+\/proxy\//, (route) => {
      const location = route
        .request()
        .url()
        .replace(/^https:\/\/code\.test:\d+\/proxy\/(\d+)/, "http://127.0.0.1:$1");
      return route.fulfill({ status: 302, headers: { location } });
    });
    stage = observe(workbench);
    await workbench.openView("OpenRouter Keys");
  });

  after(async () => {
    await workbench?.close();
    knocker?.close();
    await door?.close();
    await running?.stop();
    await stores?.close();
    await closeDatabases();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const grace = (popup: Page) => popup.getByRole("button", { name: /grace@example\.com/ });

  const trades = (): readonly number[] =>
    running.records.filter(({ route }) => route === "/v1/auth/token").map(({ status }) => status);

  it("says after a reload what happens now, and begins again when the person wants that", async () => {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await (await workbench.dialog()).click("Allow");
    const first = await workbench.popup();
    await grace(first).waitFor();
    await first.close();
    await workbench.page.bringToFront();
    await workbench.reload();
    const told = await workbench.notification("This window was reloaded");
    await stage.screenshots("reloaded-own-page");
    await workbench.clickNotificationButton("Sign In Again");
    await (await workbench.dialog()).click("Allow");
    popup = await workbench.popup();
    await grace(popup).click();
    await popup.getByRole("button", { name: "Sign in to VS Code at code.test" }).waitFor();
    assert.deepStrictEqual(
      [told, trades()],
      [
        {
          severity: "info",
          text: "This window was reloaded while you were signing in: finish in your browser to go on.",
          buttons: ["Sign In Again"],
        },
        [],
      ],
    );
  });

  it("goes on after a reload: takes nothing out of thousands of forged addresses, and then the right one", async () => {
    await workbench.page.bringToFront();
    await workbench.reload();
    const told = await workbench.notification("This window was reloaded");
    const start = door.seen.findLast(({ path }) => path.startsWith("/v1/auth/start"));
    const state = new URL(start?.path ?? "", door.url).searchParams.get("state") ?? "";
    callbacks = forgedCallbacks(29, forgedCount, state, "guessable");
    await workbench.runCommand("Knocker: Knock");
    const { opened, uncaught, isSignedIn } = await knocked.promise;
    const log = await workbench.output("OpenRouter Keys");
    const ignored = log.split("without belonging to the sign-in under way").length - 1;
    const before = [trades(), (await workbench.notifications()).map(({ text }) => text)];
    await popup.bringToFront();
    await popup.getByRole("button", { name: "Sign in to VS Code at code.test" }).click();
    await workbench.page.bringToFront();
    await (await workbench.dialog()).click("Allow");
    const said = await stage.says("Signed in as grace@example.com.");
    const words = await workbench.output("OpenRouter Keys");
    assert.deepStrictEqual(
      {
        opened,
        ignored,
        uncaught,
        isSignedIn,
        before,
        said: said.severity,
        trades: trades(),
        logged: [state, "guessable", "evil.test", "ors_"].filter((secret) => secret === "" || words.includes(secret)),
      },
      {
        opened: forgedCount,
        ignored: forgedCount,
        uncaught: [],
        isSignedIn: false,
        before: [[], [told.text]],
        said: "info",
        trades: [200],
        logged: [],
      },
    );
  });

  it("gives another extension no session but with the person's consent", async () => {
    await workbench.runCommand("Knocker: Take Session");
    const { text: question, click } = await workbench.dialog();
    await click("Cancel");
    assert.deepStrictEqual(
      [question, await asked.promise],
      [
        "The extension 'Knocker' wants to sign in using OpenRouter Keys.",
        { silently: "none", openly: "User did not consent to login." },
      ],
    );
  });
});
