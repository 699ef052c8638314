// Proves each part of the harness once, against the small extension in fixture/.
import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { openEditor } from "./open.ts";
import { runSuite } from "./run-suite.ts";
import { ensureHost } from "./setup.ts";
import { waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

const extensionPath = join(import.meta.dirname, "fixture");

describe("The harness drives a real VS Code", function () {
  this.timeout(90_000);
  let scratch: string;
  let workbench: Workbench;

  const options = (name: string) => ({
    extensionPath,
    folder: join(scratch, name, "folder"),
    home: join(scratch, name, "home"),
    dataDir: join(scratch, name, "data"),
  });
  const shows = async (text: string) => (await workbench.statusBarItem(text)).text;

  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-harness-"));
    workbench = await startWorkbench({
      ...options("main"),
      userSettings: { "probe.greeting": "hello" },
      env: { PROBE: "given" },
      hosts: { "*.test": "127.0.0.1" },
    });
  });
  after(async () => {
    await workbench?.close();
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  });

  it("loads an extension from its sources, with settings and variables", async () => {
    const item = await workbench.statusBarItem("harness.probe.status");
    assert.deepStrictEqual([item.id, item.text, item.kind], ["harness.probe.status", "ready hello", "normal"]);
    await workbench.runCommand("Probe: Facts");
    await shows("facts written");
    const facts = /facts (\{.*\})/.exec(await workbench.output("Harness Probe"))?.[1] ?? "{}";
    const { home, uiKind, appHost, remoteName, external, local, probe } = JSON.parse(facts);
    assert.deepStrictEqual(
      { home, uiKind, appHost, remoteName, local, probe, external: String(external).split("?")[1] },
      {
        home: join(scratch, "main/home"),
        uiKind: "Web",
        appHost: "server-distro",
        remoteName: `127.0.0.1:${workbench.port}`,
        local: `${workbench.url}/proxy/9/x`,
        probe: "given",
        external: "vscode-reqid=1&vscode-scheme=code-oss&vscode-authority=harness.probe&vscode-path=%2Fauth",
      },
    );
  });

  it("types into a command's input box and reads what is wrong with it", async () => {
    await workbench.runCommand("Ask");
    const input = workbench.quickInput();
    const { title, placeholder, value } = await input.read();
    await input.type("bad");
    const refusal = await input.message("refused");
    await input.type("good");
    await input.accept();
    assert.deepStrictEqual(
      [title, placeholder, value, refusal, (await workbench.statusBarItem("answer good")).kind],
      ["Ask", "something", "", "bad is refused", "warning"],
    );
  });

  it("chooses one row, several rows, or none", async () => {
    await workbench.runCommand("Choose");
    const { rows } = await workbench.quickInput().read();
    await workbench.quickInput().pick("blue");
    const one = await shows("chosen");
    await workbench.runCommand("Choose Several");
    const { rows: ticked } = await workbench.quickInput().read();
    await workbench.quickInput().toggle("red");
    await workbench.quickInput().accept();
    const several = await shows("several");
    await workbench.runCommand("Choose");
    await workbench.quickInput().press("Help");
    await workbench.quickInput().cancel();
    assert.deepStrictEqual(
      [rows, one, ticked.map((row) => row.checked), several, await shows("undefined")],
      [
        [
          { label: "red", description: "warm", detail: "" },
          { label: "blue", description: "cold", detail: "like ice" },
        ],
        "chosen blue",
        [false, true],
        "several red+blue",
        "helped, chosen undefined",
      ],
    );
  });

  it("answers a modal dialog", async () => {
    await workbench.runCommand("Confirm");
    const { text, detail, buttons, click } = await workbench.dialog();
    await click("Delete");
    assert.deepStrictEqual(
      [text, detail, buttons, (await workbench.statusBarItem("confirmed Delete")).kind],
      ["Delete it?", "It is gone then.", ["Cancel", "Delete"], "error"],
    );
  });

  it("reads notifications and clicks their buttons", async () => {
    await (await workbench.statusBarItem("harness.probe.status")).click();
    const shown = await workbench.notification("A toast");
    await workbench.clickNotificationButton("Yes");
    assert.deepStrictEqual(
      [shown, await shows("toasted"), await workbench.notifications()],
      [{ severity: "info", text: "A toast", buttons: ["Yes", "No"] }, "toasted Yes", []],
    );
  });

  it("reads a tree, its menu and its buttons", async () => {
    await workbench.openView("Harness Probe");
    const row = await workbench.treeRow("Things", "second");
    const menu = await workbench.readContextMenu(row);
    await workbench.contextMenu(row, "Rename Thing");
    const renamed = await shows("renames");
    await workbench.pressViewButton("Things", "Refresh");
    await workbench.treeRow("Things", "first");
    await shows("refreshed 1");
    assert.deepStrictEqual(
      [menu, renamed, await workbench.treeRows("Things"), (await workbench.treeRows("Others")).length],
      [
        ["Rename Thing"],
        "renames second",
        [
          { label: "first", description: "is first 1", level: 1, expanded: true },
          { label: "inner", description: "is inner 1", level: 2, expanded: undefined },
          { label: "second", description: "is second 1", level: 1, expanded: undefined },
        ],
        1,
      ],
    );
  });

  it("reads an output channel of either kind", async () => {
    const lines = (await workbench.output("Harness Probe")).split("\n");
    assert.deepStrictEqual(
      [lines[0]?.replace(/^.*\[info\]/, "[info]"), await workbench.output("Harness Plain")],
      ["[info] activated", "plain says hello\n"],
    );
  });

  for (const place of ["http://127.0.0.1", "http://idp.test"] as const) {
    it(`signs in by a browser window at ${place} and comes back by the extension's own address`, async () => {
      const broker = await startBroker();
      try {
        await workbench.runCommand("Open Address");
        await workbench
          .quickInput()
          .type(`${place}:${broker.port}/start?challenge=a%2Bb&redirect_uri=CALLBACK&last=x%26y`);
        await workbench.quickInput().accept();
        const window = await workbench.popup();
        await window.getByRole("button", { name: "Continue" }).click();
        await window.getByText("You can close this page now").waitFor();
        const query = new URLSearchParams((await shows("uri /auth?")).replace("uri /auth?", ""));
        await window.close();
        assert.deepStrictEqual(
          [broker.asked.get("challenge"), broker.asked.get("last"), query.get("code"), query.get("state")],
          ["a+b", "x&y", "c/1+2", "s t"],
        );
      } finally {
        broker.server.close();
      }
    });
  }

  it("shows the light, the dark and the high-contrast theme", async () => {
    const colours: string[] = [];
    for (const theme of ["dark", "hc", "light"] as const) {
      await workbench.setTheme(theme);
      colours.push(
        await workbench.page.evaluate(
          () => getComputedStyle(document.querySelector(".monaco-workbench") ?? document.body).backgroundColor,
        ),
      );
      await workbench.screenshot(`harness-${theme}`);
    }
    assert.equal(new Set(colours).size, 3);
  });

  it("keeps consent and secrets over a reload and over a restart", async () => {
    await workbench.runCommand("Sign In");
    await (await workbench.dialog()).click("Allow");
    await shows("signed in ada@example.com");
    await workbench.runCommand("Keep Secret");
    const first = await shows("kept");
    await workbench.reload();
    await workbench.runCommand("Keep Secret");
    const second = await shows("kept");
    await workbench.restart();
    await workbench.runCommand("Keep Secret");
    const third = await shows("kept");
    await workbench.runCommand("Sign In");
    assert.deepStrictEqual(
      [first, second, third, await shows("signed in")],
      ["kept x", "kept xx", "kept xxx", "signed in ada@example.com"],
    );
  });

  it("says what was on screen when it waits in vain", async () => {
    await assert.rejects(
      waitFor(workbench.page, "what never comes", async () => undefined, 300),
      /what never comes[^]*On screen \(.*failure.*\.png\)[^]*status bar: signed in/,
    );
  });

  it("leaves no process behind", async () => {
    const pids = await processesNaming(join(scratch, "main"));
    await workbench.close();
    assert.deepStrictEqual([pids.length > 0, await processesNaming(join(scratch, "main"))], [true, []]);
  });
});

describe("The harness starts VS Code in other ways", function () {
  this.timeout(90_000);
  let scratch: string;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-harness-"));
  });
  after(() => rm(scratch, { recursive: true, force: true, maxRetries: 3 }));

  it("over https, under a name, and asking whether the folder is trusted", async () => {
    const workbench = await startWorkbench({
      extensionPath,
      folder: join(scratch, "folder"),
      home: join(scratch, "home"),
      dataDir: join(scratch, "https"),
      tls: true,
      trust: true,
    });
    try {
      const asked = await workbench.dialog();
      await asked.click("Yes, I trust the authors");
      await workbench.runCommand("Facts");
      await workbench.statusBarItem("facts written");
      const address = /"external":"([^"]+)"/.exec(await workbench.output("Harness Probe"))?.[1] ?? "";
      const window = await workbench.context.newPage();
      await window.goto(`${address}&code=1`);
      await workbench.page.bringToFront();
      assert.deepStrictEqual(
        [new URL(address).origin, (await workbench.statusBarItem("uri")).text],
        [`https://code.test:${workbench.port}`, "uri /auth?code=1"],
      );
    } finally {
      await workbench.close();
    }
  });

  it("for a person's own browser, with the packaged extension in it", async () => {
    const editor = await openEditor({
      extensionPath,
      folder: join(scratch, "folder"),
      dataDir: join(scratch, "person"),
      userSettings: { "probe.greeting": "you" },
    });
    const { browser } = await ensureHost();
    const person = await chromium.launch({ executablePath: browser.path, env: { ...browser.env } });
    try {
      const page = await person.newPage();
      await page.goto(editor.address ?? "");
      await page.locator('[id="harness.probe.status"]', { hasText: "ready you" }).waitFor();
      assert.equal(editor.kind, "browser");
    } finally {
      await person.close();
      await editor.stop();
    }
  });
});

describe("The harness runs a suite inside the extension host", function () {
  this.timeout(90_000);
  const endings = [
    ["passes", "", { ok: true, passed: 1, reason: "" }],
    ["has a failing test", "results.failed = 1;", { ok: false, passed: 1, reason: "1 failed" }],
    [
      "kills its host",
      "process.kill(process.pid, 'SIGKILL');",
      { ok: false, passed: 0, reason: /ended \(0\) without results/ },
    ],
    [
      "never ends",
      "return new Promise(() => {});",
      { ok: false, passed: 0, reason: /did not end within 8 s \(.*png\)/ },
    ],
  ] as const;

  for (const [title, ending, expected] of endings) {
    it(`${expected.ok ? "with" : "and fails for"} one that ${title}`, async () => {
      const scratch = await mkdtemp(join(tmpdir(), "openrouter-keys-harness-"));
      try {
        const suitePath = join(scratch, "suite.cjs");
        await writeFile(
          suitePath,
          `exports.run = async () => {
             const results = { passed: 1, failed: 0, skipped: 0, failures: [], titles: ["a test"] };
             ${ending}
             require("node:fs").writeFileSync(process.env.TEST_RESULTS, JSON.stringify(results));
             if (results.failed > 0) throw new Error("failed");
           };`,
        );
        const places = { folder: join(scratch, "folder"), home: join(scratch, "home") };
        // Only the one that never ends has to be given up soon; a busy machine takes longer than that for the others.
        const deadlineMs = title === "never ends" ? 8000 : 60_000;
        const outcome = await runSuite({ suitePath, extensionPath, ...places, deadlineMs });
        assert.deepStrictEqual([outcome.ok, outcome.passed], [expected.ok, expected.passed]);
        if (typeof expected.reason === "string") assert.equal(outcome.reason, expected.reason);
        else assert.match(outcome.reason, expected.reason);
      } finally {
        await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
      }
    });
  }
});

/** A window's way through a sign-in: our address, another one's page, a button, back to where it was told. */
async function startBroker(): Promise<{ port: number; server: Server; asked: URLSearchParams }> {
  const asked = new URLSearchParams();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (url.pathname === "/start") {
      for (const [name, value] of url.searchParams) asked.set(name, value);
      response.writeHead(302, { location: `http://idp.test:${portOf(server)}/page` }).end();
    } else if (url.pathname === "/page") {
      response.setHeader("content-type", "text/html").end('<form action="/back"><button>Continue</button></form>');
    } else {
      const back = new URL(asked.get("redirect_uri") ?? "");
      back.searchParams.set("code", "c/1+2");
      back.searchParams.set("state", "s t");
      response.writeHead(302, { location: back.href }).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: portOf(server), server, asked };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

/** Processes of this machine (Linux) whose command line or environment names a folder of the test. */
async function processesNaming(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const text = await Promise.all(
      ["cmdline", "environ"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
    );
    if (text.join("").includes(folder)) found.push(pid);
  }
  return found;
}
