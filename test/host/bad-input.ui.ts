// What goes wrong, in a real VS Code: each ends in a sentence that a person understands, and nothing is lost.
import assert from "node:assert/strict";

import type { DoorState } from "./front-door.ts";
import { openStage } from "./bad-input-stage.ts";
import type { Stage } from "./bad-input-stage.ts";
import { waitFor } from "./wait.ts";

describe("Bad input", function () {
  this.timeout(120_000);
  // One window for all: what comes later finds the editor as the person before left it.
  this.bail(true);
  let stage: Stage;

  before(async () => {
    stage = await openStage({
      userSettings: { "openrouterKeys.functionUrl": 42, "openrouterKeys.openRouterUrl": ["https://openrouter.ai"] },
      environment: { PLANS: JSON.stringify([{ match: "everyone", maxKeys: 10, budgetUsd: 250 }]) },
    });
  });

  after(async () => {
    await stage?.close();
  });

  describe("in the function's address", () => {
    it("that is a number is said to be no address, and can be mended right there", async () => {
      const { workbench } = stage;
      await workbench.openView("OpenRouter Keys");
      const buttons = await stage.welcomes("cannot be used as it is set");
      await stage.screenshots("address-unusable");
      await workbench.runCommand("Create OpenRouter Key");
      const input = workbench.quickInput();
      await input.message("openrouterKeys.functionUrl is not an address");
      const { title, value } = await input.read();
      await workbench.screenshot("address-unusable-command");
      await input.cancel();
      assert.deepStrictEqual([buttons, title, value], [["Change Address"], "Address of Your Company's Function", "42"]);
    });

    it("is asked for where there is none, and refused with the reason while it is typed", async () => {
      const { workbench } = stage;
      await stage.set("openrouterKeys.functionUrl", "");
      const buttons = await stage.welcomes("Its first question is the address");
      await stage.screenshots("address-missing");
      const said: string[] = [];
      await workbench.runCommand("OpenRouter Keys: Sign In");
      const input = workbench.quickInput();
      said.push(await input.message("Whoever runs OpenRouter Keys"));
      await workbench.screenshot("address-question");
      for (const [typed, part] of [
        ["keys.example.com", "is not an address"],
        ["http://keys.example.com", "uses http"],
      ] as const) {
        await input.type(typed);
        said.push(await input.message(part));
        // Enter does not take it.
        await input.accept();
      }
      await input.cancel();
      assert.deepStrictEqual(
        [buttons, said],
        [
          ["Create OpenRouter Key", "Sign In"],
          [
            "For example https://keys.example.com. Whoever runs OpenRouter Keys at your company knows it. (Press 'Enter' to confirm or 'Escape' to cancel)",
            "This is not an address. Write it like https://keys.example.com.",
            "This uses http, which anybody on the way can read. Use https://keys.example.com instead.",
          ],
        ],
      );
    });

    it("that leads beside the function is found out before the browser opens", async () => {
      await stage.set("openrouterKeys.functionUrl", `${stage.door.url}/keys`);
      assert.equal(
        await refusedSignIn("past the function", "past-the-function"),
        `${stage.door.url}/keys leads past the function. Check openrouterKeys.functionUrl in the settings.`,
      );
      await stage.set("openrouterKeys.functionUrl", stage.door.url);
      await stage.welcomes("Sign in with your company account");
    });
  });

  describe("at the function's address", () => {
    const strangers: readonly (readonly [what: string, state: DoorState, says: string])[] = [
      [
        "nothing",
        { kind: "closed" },
        "Could not reach URL. Check your connection, and openrouterKeys.functionUrl in the settings.",
      ],
      [
        "a web page",
        { kind: "stranger", status: 200, type: "text/html", body: "<h1>Welcome to nginx!</h1>" },
        "URL answered with a web page instead of data: is openrouterKeys.functionUrl the address of the function?",
      ],
      [
        "a gateway without the function",
        { kind: "stranger", status: 502, type: "text/html", body: "<h1>Bad Gateway</h1>" },
        "URL is not working at the moment (HTTP 502). Try again in a few minutes.",
      ],
      [
        "another service",
        { kind: "stranger", status: 200, type: "application/json", body: '{"account":{"id":"1","label":"you"}}' },
        "URL answered, but not as the function of OpenRouter Keys does: check openrouterKeys.functionUrl, and whether this extension is up to date.",
      ],
      ["silence", { kind: "silent" }, "URL did not answer within 10 seconds. Try again in a moment."],
    ];
    for (const [what, state, says] of strangers) {
      it(`says so when there is ${what}, and keeps the browser closed`, async () => {
        const { door, workbench } = stage;
        await door.become(state);
        const said = await refusedSignIn(door.url, `at-the-address-${what}`);
        await door.become({ kind: "open" });
        assert.deepStrictEqual([said.replace(door.url, "URL"), workbench.context.pages().length], [says, 1]);
      });
    }
  });

  /** The command up to the sentence that ends it. */
  async function refusedSignIn(text: string, picture: string): Promise<string> {
    await startSignIn();
    const { severity, text: said, buttons } = await stage.says(text, picture);
    // Without a button the editor would cut the sentence.
    assert.deepStrictEqual([severity, buttons], ["error", ["OK"]]);
    return said;
  }

  async function startSignIn(): Promise<void> {
    await stage.workbench.runCommand("OpenRouter Keys: Sign In");
    await (await stage.workbench.dialog()).click("Allow");
  }

  describe("during a sign-in", () => {
    const command = "openrouterKeys.signIn";

    it("ends without a word when the person does not want it", async () => {
      const { workbench, door } = stage;
      const atConsent = await stage.endsSilently(command, async () => {
        await workbench.runCommand("OpenRouter Keys: Sign In");
        await (await workbench.dialog()).click("Cancel");
      });
      await door.become({ kind: "silent" });
      const atSilence = await stage.endsSilently(command, async () => {
        await startSignIn();
        await workbench.notification("Signing in");
        await stage.screenshots("sign-in-meeting");
        await workbench.clickNotificationButton("Cancel", "Signing in");
      });
      await door.become({ kind: "open" });
      const inBrowser = await stage.endsSilently(command, async () => {
        await startSignIn();
        const popup = await workbench.popup();
        await popup.close();
        await workbench.page.bringToFront();
        await workbench.notification("finish in your browser");
        await stage.screenshots("sign-in-waiting");
        await workbench.clickNotificationButton("Cancel", "Signing in");
      });
      assert.deepStrictEqual([atConsent, atSilence, inBrowser], [[], [], []]);
    });

    it("says that it was cancelled at the company's page", async () => {
      await startSignIn();
      const popup = await stage.workbench.popup();
      await popup.getByRole("button", { name: "Cancel" }).click();
      await popup.getByText("Not signed in").waitFor();
      await popup.close();
      await stage.workbench.page.bringToFront();
      assert.equal((await stage.says("cancelled")).text, "The sign-in was cancelled. Start again from your editor.");
    });

    it("turns away an account of another company, in the browser and in the editor", async () => {
      await startSignIn();
      const popup = await stage.workbench.popup();
      await popup.getByRole("button", { name: /mallory/ }).click();
      await popup.getByText("Not signed in").waitFor();
      await popup.close();
      await stage.workbench.page.bringToFront();
      assert.equal(
        (await stage.says("mallory")).text,
        "mallory@elsewhere.example is not an account of this company. Sign in with your work account.",
      );
      await stage.welcomes("Sign in with your company account");
    });

    it("ignores whatever another page sends to the editor, and goes on", async () => {
      const { workbench, door } = stage;
      await startSignIn();
      const popup = await workbench.popup();
      const started = door.seen.findLast(({ path }) => path.startsWith("/v1/auth/start"))?.path ?? "";
      const returnTo = new URL(started, door.url).searchParams.get("redirect_uri") ?? "";
      const evil = await workbench.context.newPage();
      await evil.goto(`${returnTo}?code=stolen&state=guessed`);
      const told = await evil.locator("main").innerText();
      await evil.close();
      await popup.getByRole("button", { name: /grace@example\.com/ }).click();
      await popup.getByText("You can close this tab").waitFor();
      await popup.close();
      await workbench.page.bringToFront();
      const said = await stage.says("Signed in as grace@example.com.");
      assert.deepStrictEqual(
        [told.includes("No sign-in is waiting for this."), said.severity, await stage.welcomes("You have no key yet.")],
        [true, "info", ["Create OpenRouter Key"]],
      );
    });
  });

  const upstream = (): readonly string[] =>
    stage.running.openRouter.keys().map(({ name }) => name.split(" (grace@")[0] ?? "");

  describe("for a key", () => {
    /** The end of each create after the first one. */
    async function keepsToolsKey(name: string): Promise<void> {
      await stage.workbench.notification("Which one should they use?");
      await stage.inOtherTheme("which-key");
      await stage.workbench.clickNotificationButton("Keep “🔥 Grace’s büro 🚀”");
      await stage.says(`The key “${name}” is ready.`);
    }

    it("that has no name, one too long or one that cannot be shown is refused as it is typed", async () => {
      const { workbench } = stage;
      await workbench.runCommand("Create OpenRouter Key");
      const input = workbench.quickInput();
      const said: string[] = [];
      for (const [name, sign] of [
        ["   ", "Give"],
        ["bell\u0007", "control"],
        ["x".repeat(300), "300"],
        ["\u202egnp.exe", "control"],
        ["🔥".repeat(10_000), "10000"],
      ] as const) {
        await input.type(name);
        said.push(await input.message(sign));
        await input.accept();
      }
      await workbench.screenshot("name-refused");
      const sent = stage.door.seen.filter(({ method, path }) => method === "POST" && path === "/v1/keys").length;
      await input.type("🔥 Grace’s büro 🚀");
      await input.accept();
      const made = await stage.says("The key “🔥 Grace’s büro 🚀”");
      assert.deepStrictEqual(
        { said, sent, made, upstream: upstream() },
        {
          said: [
            "Give the key a name, for example the machine it is for.",
            "The name contains a line break or a control character; leave it out.",
            "The name has 300 characters; at most 100 fit.",
            "The name contains a line break or a control character; leave it out.",
            "The name has 10000 characters; at most 100 fit.",
          ],
          sent: 0,
          made: {
            severity: "warning",
            text: "The key “🔥 Grace’s büro 🚀” is made. It was not checked: openrouterKeys.openRouterUrl is not an address. Write it like https://openrouter.ai/api/v1.",
            buttons: ["OK"],
          },
          upstream: ["🔥 Grace’s büro 🚀"],
        },
      );
      await stage.set("openrouterKeys.openRouterUrl", stage.running.openRouter.apiUrl);
    });

    for (const [what, name, state] of [
      ["while the function is away", "train", { kind: "closed" }],
      ["whose answer is lost", "tunnel", { kind: "lossy" }],
    ] as const) {
      it(`${what} is asked for again, and there is one`, async () => {
        const { workbench, door } = stage;
        const before = door.seen.length;
        await workbench.runCommand("Create OpenRouter Key");
        const input = workbench.quickInput();
        await input.type(name);
        await door.become(state);
        await input.accept();
        await workbench.notification("No answer yet. Asking again…");
        await workbench.screenshot(`key-${state.kind}`);
        await door.become({ kind: "open" });
        await keepsToolsKey(name);
        const creates = door.seen
          .slice(before)
          .filter(({ method, path }) => method === "POST" && path === "/v1/keys")
          .map(({ idempotencyKey }) => idempotencyKey);
        assert.deepStrictEqual([upstream().filter((made) => made === name).length, new Set(creates).size], [1, 1]);
      });
    }

    it("that is answered by a web page is kept in mind, and arrives when it is asked for again", async () => {
      const { workbench, door } = stage;
      await workbench.runCommand("Create OpenRouter Key");
      const input = workbench.quickInput();
      await input.type("hotel");
      await door.become({ kind: "stranger", status: 200, type: "text/html", body: "<h1>Accept our terms</h1>" });
      await stage.logs("The key “hotel” is still to come", () => input.accept());
      const kept = await stage.says("web page");
      const none = upstream().includes("hotel");
      await door.become({ kind: "open" });
      await workbench.runCommand("Create OpenRouter Key");
      const asked = await workbench.notification("has not arrived yet");
      await workbench.screenshot("key-unfinished");
      await workbench.clickNotificationButton("Finish It");
      await keepsToolsKey("hotel");
      assert.deepStrictEqual(
        [
          kept.text.endsWith("The request for “hotel” is kept and goes on in the background."),
          none,
          asked.buttons,
          upstream().filter((made) => made === "hotel").length,
        ],
        [true, false, ["Finish It", "Discard It"], 1],
      );
    });
  });

  describe("when the function goes away", () => {
    /** OpenRouter is asked with the tools' own key, which needs no function. */
    const spendNow = () =>
      waitFor(stage.workbench.page, "the tools' key's spend of now", async () => {
        const { text, kind } = await stage.workbench.statusBarItem("openrouterKeys.spend");
        return text.endsWith("$0 of $25") ? kind : undefined;
      });

    it("the keys stay, the view says that they are old, and the status bar goes on", async () => {
      const { workbench, door } = stage;
      await door.become({ kind: "closed" });
      await workbench.runCommand("OpenRouter Keys: Refresh");
      await workbench.page.getByText(/Not up to date, last seen .*Could not reach/).waitFor();
      const status = await spendNow();
      await stage.screenshots("keys-old");
      assert.deepStrictEqual([(await workbench.treeRows("Keys")).length, status], [4, "normal"]);
    });

    it("before the keys are there, the view says so and offers to try again", async () => {
      const { workbench, door } = stage;
      await workbench.reload();
      await workbench.openView("OpenRouter Keys");
      const buttons = await stage.welcomes("Your keys cannot be shown");
      const status = await spendNow();
      await stage.screenshots("keys-failed");
      await door.become({ kind: "open" });
      await workbench.page.locator(".welcome-view-content").getByRole("button", { name: "Try Again" }).click();
      const rows = await waitFor(workbench.page, "the keys", async () => {
        const found = await workbench.treeRows("Keys");
        return found.length > 0 ? found.map(({ label }) => label) : undefined;
      });
      assert.deepStrictEqual(
        [buttons, status, rows.toSorted(), upstream().toSorted()],
        [["Try Again"], "normal", upstream().toSorted(), rows.toSorted()],
      );
    });
  });
});
