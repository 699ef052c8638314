// Signing in with the Microsoft account that is built into the editor, in a real VS Code: only its account is a stand-in.
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import type { JWTPayload } from "jose";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { extensionPath } from "../start/main-job.ts";
import { databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import type { Microsoft } from "../support/microsoft.ts";
import { apiAudience, startMicrosoft, tenantId } from "../support/microsoft.ts";
import { observe } from "./bad-input-stage.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";
import type { Dialog } from "./workbench-parts.ts";

describe("The editor's Microsoft account", function () {
  this.timeout(120_000);
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let microsoft: Microsoft;
  let running: RunningFunction;
  let workbench: Workbench;
  let stage: ReturnType<typeof observe>;
  let provider: Server;
  /** What the editor's provider was asked for, and what it gave. */
  const asked: string[] = [];
  const given: string[] = [];
  /** undefined: the person says no at Microsoft. */
  let claims: JWTPayload | undefined = {};

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-microsoft-"));
    stores = await databaseKinds[1].open();
    microsoft = await startMicrosoft();
    running = await startFunction({
      stores,
      environment: {
        ENTRA_TENANT_ID: tenantId,
        ENTRA_API_AUDIENCE: apiAudience,
        ENTRA_LOGIN_URL: microsoft.url,
      },
    });
    provider = createServer((request, response) => {
      void text(request).then(async (scopes) => {
        asked.push(scopes);
        if (claims === undefined) return response.writeHead(403).end();
        const token = await microsoft.accessToken(Date.now(), claims);
        given.push(token);
        return response.end(token);
      });
    });
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    const address = provider.address();
    assert.ok(address !== null && typeof address === "object");
    workbench = await startWorkbench({
      extensionPath,
      moreExtensions: [join(import.meta.dirname, "microsoft-account")],
      folder: join(folder, "project"),
      home: join(folder, "home"),
      dataDir: join(folder, "editor"),
      userSettings: { "openrouterKeys.functionUrl": running.url },
      env: { PATH: "/usr/bin:/bin", MICROSOFT_ACCOUNT: `http://127.0.0.1:${address.port}` },
    });
    stage = observe(workbench);
    await workbench.openView("OpenRouter Keys");
  });

  after(async () => {
    await workbench?.close();
    provider?.close();
    await running?.stop();
    await microsoft?.stop();
    await stores?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  const trades = (): number =>
    running.records.filter(({ method, route }) => `${method} ${route}` === "POST /v1/auth/entra").length;

  /** Until the editor asks whether the extension may have a token of Microsoft; answers the question. */
  async function signIn(): Promise<Dialog> {
    await workbench.runCommand("OpenRouter Keys: Sign In");
    await (await workbench.dialog()).click("Allow");
    return workbench.dialog();
  }

  it("signs in without a browser, after the editor has asked for it, with a token for the function only", async () => {
    const question = await signIn();
    await workbench.screenshot("microsoft-question");
    await question.click("Allow");
    const said = await stage.says("Signed in as ada@example.com.");
    assert.deepStrictEqual(
      {
        question: /Microsoft/.test(`${question.text} ${question.detail}`),
        asked: asked.map((scopes) => JSON.parse(scopes).toSorted()),
        trades: trades(),
        browserOpened: running.records.some(({ route }) => route === "/v1/auth/start" || route === "/v1/auth/callback"),
        severity: said.severity,
      },
      {
        question: true,
        asked: [[`VSCODE_TENANT:${tenantId}`, `api://${apiAudience}/access`]],
        trades: 1,
        browserOpened: false,
        severity: "info",
      },
    );
    await workbench.runCommand("OpenRouter Keys: Sign Out");
    await stage.says("Signed out.");
  });

  for (const [situation, next, expectedTrades] of [
    ["the person says no at Microsoft", undefined, 1],
    ["the function does not take the account", { acct: 1 }, 2],
  ] as const) {
    it(`goes on in the browser, and says so, when ${situation}`, async () => {
      claims = next;
      await (await signIn()).click("Allow");
      const popup = await workbench.popup();
      await popup.getByRole("button", { name: /grace@example\.com/ }).waitFor();
      await workbench.page.bringToFront();
      const shown = await workbench.notification("did not work");
      await stage.screenshots(`microsoft-instead-${expectedTrades}`);
      await popup.bringToFront();
      await popup.getByRole("button", { name: /grace@example\.com/ }).click();
      await popup.getByText("You can close this tab").waitFor();
      await popup.close();
      await workbench.page.bringToFront();
      await stage.says("Signed in as grace@example.com.");
      assert.deepStrictEqual(
        [shown.text, trades()],
        ["Signing in: your Microsoft account did not work, so finish in your browser", expectedTrades],
      );
      await workbench.runCommand("OpenRouter Keys: Sign Out");
      await stage.says("Signed out.");
    });
  }

  it("leaves Microsoft's token in no file and no line of the log", async () => {
    const signatures = given.map((token) => token.slice(token.lastIndexOf(".") + 1));
    const found: string[] = [];
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = await readFile(join(entry.parentPath, entry.name), "latin1");
      if (signatures.some((signature) => content.includes(signature))) found.push(entry.name);
    }
    const log = await workbench.output("OpenRouter Keys");
    assert.deepStrictEqual([given.length, found, log.includes("with the editor's Microsoft account")], [2, [], true]);
  });
});
