// A profile in which nothing is set, not even the address, and OpenRouter's models in the chat of a real VS Code, asked
// by another extension as the chat itself asks.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import * as z from "zod/mini";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { allowAndSignIn, extensionPath } from "../start/main-job.ts";
import { closeDatabases, databaseKinds } from "../support/databases.ts";
import { startFunction } from "../support/function.ts";
import type { RunningFunction } from "../support/function.ts";
import { waitFor } from "./wait.ts";
import { startWorkbench } from "./workbench.ts";
import type { Workbench } from "./workbench.ts";

const Model = z.object({ id: z.string(), name: z.string(), family: z.string(), maxInputTokens: z.number() });
const Outcome = z.object({
  said: z.array(z.unknown()),
  tokens: z.optional(z.number()),
  error: z.optional(
    z.object({ name: z.optional(z.string()), code: z.optional(z.string()), message: z.optional(z.string()) }),
  ),
});

/** A whole PNG: the editor looks into an image before it sends it. */
const onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

describe("OpenRouter's models in the editor's chat", function () {
  this.timeout(120_000);
  this.bail(true);
  let folder: string;
  let stores: Stores;
  let running: RunningFunction;
  let workbench: Workbench;
  let toldPort: Server;
  let clientPort: Promise<string>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-chat-"));
    stores = await databaseKinds[0].open();
    running = await startFunction({ stores });
    let tell: (port: string) => void = () => undefined;
    clientPort = new Promise((resolve) => (tell = resolve));
    toldPort = createServer((request, response) => void text(request).then((port) => (tell(port), response.end())));
    await new Promise<void>((resolve) => toldPort.listen(0, "127.0.0.1", resolve));
    const address = toldPort.address();
    assert.ok(address !== null && typeof address === "object");
    workbench = await startWorkbench({
      extensionPath,
      moreExtensions: [join(import.meta.dirname, "chat-client")],
      folder: join(folder, "project"),
      home: join(folder, "home"),
      dataDir: join(folder, "editor"),
      userSettings: {
        "openrouterKeys.openRouterUrl": running.openRouter.apiUrl,
        "chat.disableAIFeatures": false,
      },
      env: { PATH: "/usr/bin:/bin", CHAT_CLIENT: `http://127.0.0.1:${address.port}` },
    });
  });

  after(async () => {
    await workbench?.close();
    toldPort?.close();
    await running?.stop();
    await stores?.close();
    await closeDatabases();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  async function tellClient(task: Record<string, unknown>): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${await clientPort}`, {
      method: "POST",
      body: JSON.stringify(task),
    });
    return response.json();
  }
  const models = async () => z.array(Model).parse(await tellClient({}));
  const ask = async (task: Record<string, unknown>) =>
    Outcome.parse(await tellClient({ model: "openai/gpt-5-mini", messages: [{ text: "say pong" }], ...task }));
  const upstream = () => {
    const [key] = running.openRouter.keys();
    assert.ok(key !== undefined);
    return key;
  };

  it("are not there, and nobody is asked for them, until the person wants them", async () => {
    assert.deepStrictEqual([await models(), running.openRouter.requests], [[], []]);
  });

  it("come with one command, which asks for the address, signs in and makes the key that pays", async () => {
    // As the editor does it by itself after an installation.
    await workbench.runCommand("Welcome: Open Walkthrough...");
    await workbench.quickInput().type("Get your OpenRouter key");
    await workbench.quickInput().pick("Get your OpenRouter key");
    await workbench.page.locator(".getting-started-step").first().waitFor();
    await workbench.runCommand("Use OpenRouter In Chat");
    await workbench.quickInput().type(running.url);
    await workbench.quickInput().accept();
    await allowAndSignIn(workbench, "grace@example.com");
    const input = workbench.quickInput();
    await input.type("laptop");
    await input.accept();
    const question = await workbench.dialog();
    await workbench.screenshot("chat-set-up-question");
    await question.click("Cancel");
    const said = await workbench.notification("in the model picker");
    await workbench.screenshot("chat-is-on");
    const offered = await models();
    assert.deepStrictEqual(
      {
        question: question.text,
        said: said.text,
        offered: offered.map(({ id }) => id).includes("deepseek/deepseek-prover"),
        mini: offered.find(({ id }) => id === "openai/gpt-5-mini"),
        asked: running.openRouter.requests.filter(({ path }) => path.endsWith("/models/user")).length,
      },
      {
        question: "Set up the editor's chat without an account?",
        said: "OpenRouter's models are in the model picker of the editor's chat, which asks you to set it up first. The key “laptop” pays for them.",
        offered: false,
        mini: { id: "openai/gpt-5-mini", name: "OpenAI: GPT-5 Mini", family: "openai", maxInputTokens: 136_000 },
        asked: 1,
      },
    );
  });

  it("leave the walkthrough done but for the tools, of which there are none", async () => {
    const steps = workbench.page.locator(".getting-started-step");
    const done = await waitFor(workbench.page, "the steps of the walkthrough", async () => {
      const each = await steps.evaluateAll((all) => all.map((step) => step.querySelector(".complete") !== null));
      return each.filter(Boolean).length >= 3 ? each : undefined;
    });
    for (const theme of ["light", "dark"] as const) {
      await workbench.setTheme(theme);
      await workbench.screenshot(`walkthrough-${theme}`);
    }
    assert.deepStrictEqual(done, [true, true, true, false, false]);
  });

  it("answer as they are spoken, and what that costs appears", async () => {
    const { said, tokens, error } = await ask({});
    await workbench.runCommand("OpenRouter Keys: Refresh");
    await waitFor(workbench.page, "the spend in the status bar", async () => {
      const item = await workbench.statusBarItem("openrouterKeys.spend");
      return item.text.includes("$0.25 of $25") ? item.text : undefined;
    });
    assert.deepStrictEqual(
      [error, said.join(""), tokens, upstream().usage, running.openRouter.requests.at(-1)?.credential !== undefined],
      [undefined, "pong", 6, 0.25, true],
    );
  });

  it("call tools, take what these say, and see images", async () => {
    const tools = [{ name: "weather", description: "Tells the weather.", inputSchema: { type: "object" } }];
    running.openRouter.faults.turn({ toolCall: { name: "weather", json: '{"city":"Oslo"}' } });
    const called = await ask({ tools, mustCallTool: true });
    const call = { id: "call_1", name: "weather", input: { city: "Oslo" } };
    const answered = await ask({
      tools,
      messages: [
        { text: "How is it there?", image: onePixel },
        { role: "assistant", call },
        { result: { id: "call_1", text: "snow" } },
      ],
    });
    running.openRouter.faults.turn({ toolCall: null });
    const chats = running.openRouter.requests.flatMap(({ chat }) => (chat === null ? [] : [chat]));
    assert.deepStrictEqual(
      [called.said, answered.error, answered.said.join(""), chats.at(-1)],
      [
        [call],
        undefined,
        "pong",
        { model: "openai/gpt-5-mini", roles: ["user", "assistant", "tool"], images: 1, tools: 1 },
      ],
    );
  });

  it("stop when the person stops them", async () => {
    running.openRouter.faults.turn({ pieceDelayMs: 150 });
    await ask({ stopAfterFirst: true });
    await waitFor(workbench.page, "the end of the call at OpenRouter", async () =>
      running.openRouter.requests.some(({ brokenOff }) => brokenOff) ? true : undefined,
    );
    running.openRouter.faults.turn({ pieceDelayMs: 0 });
    assert.equal((await ask({})).said.join(""), "pong");
  });

  it("say in a sentence that too much is asked, that the limit is reached, and that the key is disabled", async () => {
    running.openRouter.faults.add({
      path: "/chat/completions",
      times: 1,
      fault: { kind: "rate-limit", retryAfter: 5 },
    });
    const busy = await ask({});
    running.openRouter.spend(upstream().hash, 25);
    const spent = await ask({});
    await workbench.runCommand("OpenRouter Keys: Refresh");
    await workbench.openView("OpenRouter Keys");
    await workbench.contextMenu(await workbench.treeRow("Keys", "laptop"), "Disable Key");
    await waitFor(workbench.page, "a disabled key at OpenRouter", async () => upstream().disabled || undefined);
    const disabled = await ask({});
    const host = new URL(running.openRouter.apiUrl).host;
    assert.deepStrictEqual(
      [busy, spent, disabled].map(({ said, error }) => [
        said,
        error?.code,
        error?.message?.replace(/on \d+ \w+\./, "on …."),
      ]),
      [
        [
          [],
          busy.error?.code,
          `${host} takes no more requests for openai/gpt-5-mini just now. Try again in 5 s, or choose another model.`,
        ],
        [[], "Blocked", "Your key “laptop” has spent its limit: $25 a month. It works again on …."],
        [
          [],
          "NoPermissions",
          "Your key “laptop” is disabled. Enable it in the OpenRouter Keys view, or create another one.",
        ],
      ],
    );
  });

  it("go when the person has had enough of them", async () => {
    await workbench.runCommand("Stop Using OpenRouter In Chat");
    await workbench.notification("are out of the editor's chat");
    assert.deepStrictEqual(await models(), []);
  });

  it("and everything else speaks German where the editor does", async () => {
    // What the editor's own language packs set, before anything else is loaded.
    await workbench.page.addInitScript(() => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: "de" }));
    await workbench.reload();
    await workbench.openView("OpenRouter Keys");
    await workbench.page.locator(".pane-header").getByText("Schlüssel").first().waitFor({ state: "attached" });
    await workbench.runCommand("OpenRouter Keys: Abmelden");
    const said = await workbench.notification("Abgemeldet.");
    await workbench.screenshot("in-german");
    assert.equal(
      said.text,
      "Abgemeldet. Ihre Schlüssel bestehen weiter. Ihre Werkzeuge bekommen keinen, bis Sie sich wieder anmelden.",
    );
  });
});
