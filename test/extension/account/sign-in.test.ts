import assert from "node:assert/strict";

import { createFunctionClient } from "../../../extension/account/function-client.ts";
import type { Callback } from "../../../extension/account/redirect.ts";
import { createSignIn } from "../../../extension/account/sign-in.ts";
import type { Clock } from "../../../extension/base/clock.ts";
import { createEmitter } from "../../../extension/base/emitter.ts";
import { CancelledError, isCancelled } from "../../../extension/base/errors.ts";
import { account, base, createFakeFunction, token } from "../support/fake-function.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const here = { base, origin: base };
const signedIn = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false };

/** A clock that stands still until the test says that the time is over. */
function createStoppedClock(): Clock & { readonly runOut: () => void; readonly asked: number[] } {
  const over = Promise.withResolvers<void>();
  const asked: number[] = [];
  return {
    now: () => 0,
    sleep: (milliseconds, signal) => {
      asked.push(milliseconds);
      const aborted = new Promise<never>((_resolve, reject) => {
        if (signal?.aborted) reject(new CancelledError());
        signal?.addEventListener("abort", () => reject(new CancelledError()));
      });
      return Promise.race([over.promise, aborted]);
    },
    asked,
    runOut: over.resolve,
  };
}

function createHarness(callbackAddress = "vscode://openrouter-keys.openrouter-keys/auth?windowId=2") {
  const remote = createFakeFunction();
  const log = createRecordingLog();
  const clock = createStoppedClock();
  const callbacks = createEmitter<Callback>();
  const opened: URL[] = [];
  const browser = Promise.withResolvers<URL>();
  let agrees = true;
  const editor = {
    callbackAddress: async () => callbackAddress,
    openInBrowser: async (address: string) => {
      opened.push(new URL(address));
      browser.resolve(new URL(address));
      return agrees;
    },
    onCallback: callbacks.event,
  };
  const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
  const { signIn } = createSignIn({ editor, client, clock, log });
  const stop = new AbortController();
  let turns = 0;
  const parameter = (name: string): string => opened.at(-1)?.searchParams.get(name) ?? "";
  return {
    remote,
    log,
    clock,
    opened,
    parameter,
    stop,
    start: (signal = stop.signal, address = here) => {
      const done = signIn(address, signal, () => (turns += 1));
      done.catch(() => {});
      return done;
    },
    browserOpened: browser.promise,
    /** How often it was said to be the person's turn. */
    turns: () => turns,
    asked: () => remote.requests.map(({ method, url }) => `${method} ${url.replace(base, "")}`),
    decline: () => (agrees = false),
    callBack: (query: string, path = "/auth") => callbacks.fire({ path, query }),
    /** The function's part: a one-time code bound to the challenge that it was given. */
    issueCode: (code = "one-time") => {
      remote.codes.set(code, parameter("code_challenge"));
      return code;
    },
  };
}

describe("signing in", () => {
  it("goes through the browser and back to the editor, and trades the code for a session", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
    const answer = await done;
    const [opened] = harness.opened;
    assert.ok(opened !== undefined);
    assert.deepEqual(
      {
        answer,
        start: opened.origin + opened.pathname,
        parameters: [...opened.searchParams.keys()],
        method: harness.parameter("code_challenge_method"),
        redirect: harness.parameter("redirect_uri"),
        bits: [harness.parameter("state"), harness.parameter("code_challenge")].map(
          (text) => Buffer.from(text, "base64url").length * 8,
        ),
        turns: harness.turns(),
        requests: harness.asked(),
      },
      {
        answer: signedIn,
        start: `${base}/v1/auth/start`,
        parameters: ["code_challenge", "code_challenge_method", "redirect_uri", "state"],
        method: "S256",
        redirect: "vscode://openrouter-keys.openrouter-keys/auth?windowId=2",
        bits: [256, 256],
        turns: 1,
        requests: ["GET /v1/me", "POST /v1/auth/token"],
      },
    );
  });

  it("goes by a listener on this machine where the editor runs in a browser without TLS", async () => {
    const harness = createHarness("http://127.0.0.1:8080/stable/callback?vscode-reqid=1");
    const done = harness.start();
    await harness.browserOpened;
    const redirect = new URL(harness.parameter("redirect_uri"));
    const stranger = await fetch(`${redirect.href}?code=x&state=y`);
    redirect.search = `code=${harness.issueCode()}&state=${harness.parameter("state")}`;
    const page = await fetch(redirect);
    assert.deepEqual(
      [redirect.hostname, redirect.pathname, stranger.status, page.status, await done],
      ["127.0.0.1", "/auth", 404, 200, signedIn],
    );
    await assert.rejects(fetch(redirect));
  });

  it("ignores what any web page may send to the editor, and goes on waiting", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    const state = harness.parameter("state");
    for (const query of [
      "",
      "code=evil",
      "code=evil&state=guess",
      "error=x&state=guess",
      `state=${state}`,
      `code=a&state=${state}&state=b`,
    ]) {
      harness.callBack(query);
    }
    harness.callBack(`code=evil&state=${state}`, "/settings");
    assert.deepEqual(harness.asked(), ["GET /v1/me"]);
    harness.callBack(`code=${harness.issueCode()}&state=${state}`);
    assert.deepEqual(await done, signedIn);
  });

  it("makes every sign-in unlike the one before", async () => {
    const harness = createHarness();
    for (const round of [1, 2]) {
      const done = harness.start();
      while (harness.opened.length < round) await new Promise(setImmediate);
      harness.callBack(`code=${harness.issueCode(`code-${round}`)}&state=${harness.parameter("state")}`);
      await done;
    }
    const seen = (name: string): number =>
      new Set(harness.opened.map(({ searchParams }) => searchParams.get(name))).size;
    assert.deepEqual([seen("state"), seen("code_challenge")], [2, 2]);
  });

  it("is one at a time: a second call waits for the first", async () => {
    const harness = createHarness();
    const both = Promise.all([harness.start(), harness.start(new AbortController().signal)]);
    await harness.browserOpened;
    harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
    assert.deepEqual([await both, harness.opened.length], [[signedIn, signedIn], 1]);
  });

  it("at another address ends the one under way", async () => {
    const harness = createHarness();
    const first = harness.start().catch((error: unknown) => error);
    await harness.browserOpened;
    void harness.start(harness.stop.signal, { base: "https://other.test", origin: "https://other.test" });
    assert.ok(isCancelled(await first));
    harness.stop.abort();
  });

  it("says in the function's words why it was refused", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    harness.callBack(
      `error=forbidden&error_description=Your+account+is+of+another+company.%0A&state=${harness.parameter("state")}`,
    );
    await assert.rejects(done, { name: "UserError", message: "Your account is of another company." });
  });

  it("says that a code was no longer good", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    harness.callBack(`code=stale&state=${harness.parameter("state")}`);
    await assert.rejects(done, { message: "This sign-in is no longer valid. Start again." });
  });

  it("gives up after five minutes", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    harness.clock.runOut();
    await assert.rejects(done, { message: /within 5 minutes\. Start it again\./ });
    assert.deepEqual(harness.clock.asked, [300_000]);
  });

  for (const [way, turns] of [
    ["in the notification", 1],
    ["before the browser opens", 0],
  ] as const) {
    it(`ends silently when the person cancels ${way}`, async () => {
      const harness = createHarness();
      if (way === "before the browser opens") harness.decline();
      const done = harness.start().catch((error: unknown) => error);
      await harness.browserOpened;
      await new Promise(setImmediate);
      if (way === "in the notification") harness.stop.abort();
      assert.ok(isCancelled(await done));
      harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
      assert.deepEqual([harness.asked(), harness.turns()], [["GET /v1/me"], turns]);
    });
  }

  for (const [situation, fault, says] of [
    ["is not there", "lost-request", /^Could not reach https:\/\/keys\.test\./],
    ["is somebody's web page", new Response("<html>Welcome"), /answered with a web page instead of data/],
    ["is another service", Response.json({ status: "ok" }), /answered, but not as the function of OpenRouter Keys/],
    ["takes anybody for signed in", Response.json({ account }), /answered, but not as the function of/],
    [
      "is beside the function",
      { code: "not_found", detail: "There is nothing at this address." },
      /^https:\/\/keys\.test leads past the function\. Check openrouterKeys\.functionUrl in the settings\.$/,
    ],
    ["has lost its database", { code: "database_unavailable", detail: "Try again in a minute." }, /^Try again in a/],
  ] as const) {
    it(`sends nobody to the browser when what stands at the address ${situation}`, async () => {
      const harness = createHarness();
      harness.remote.faults.push(["GET /v1/me", fault]);
      await assert.rejects(harness.start(), { name: /^(?:Function|User)Error$/, message: says });
      assert.deepEqual([harness.opened, harness.turns()], [[], 0]);
    });
  }

  it("ends silently when the person cancels while the function keeps silent", async () => {
    const harness = createHarness();
    harness.remote.aroundSend = () => {
      harness.stop.abort();
      return Promise.reject(new DOMException("Aborted.", "AbortError"));
    };
    assert.ok(isCancelled(await harness.start().catch((error: unknown) => error)));
    assert.deepEqual(harness.opened, []);
  });

  it("says what to do where the browser cannot return", async () => {
    const harness = createHarness("http://code.intranet:8080/callback");
    await assert.rejects(harness.start(), { message: /not encrypted\. Open it over https to sign in/ });
    assert.equal(harness.opened.length, 0);
  });

  it("logs neither the code nor the token", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
    await done;
    assert.doesNotMatch(harness.log.lines.join("\n"), new RegExp(`one-time|ors_|${harness.parameter("state")}`));
  });
});
