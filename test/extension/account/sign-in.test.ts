import assert from "node:assert/strict";

import * as z from "zod/mini";

import { createFunctionClient } from "../../../extension/account/function-client.ts";
import type { SignInWithMicrosoft } from "../../../extension/account/microsoft.ts";
import type { Callback } from "../../../extension/account/redirect.ts";
import { createPendingSignIns } from "../../../extension/account/pending-sign-in.ts";
import { createSignIn } from "../../../extension/account/sign-in.ts";
import type { Clock } from "../../../extension/base/clock.ts";
import { createEmitter } from "../../../extension/base/emitter.ts";
import { CancelledError } from "../../../extension/base/errors.ts";
import { forgedCallbacks } from "../../support/forged-callbacks.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";
import { account, base, createFakeFunction, token } from "../support/fake-function.ts";
import { createRecordingLog } from "../support/recording-log.ts";

const here = { base, origin: base };
const signedIn = { sessionToken: token, expiresAt: "2026-12-01T10:00:00.000Z", account, isAdmin: false };

interface StoppedClock extends Clock {
  readonly runOut: () => void;
  readonly asked: number[];
  time: number;
}

/** A clock that stands still until the test says that the time is over. */
function createStoppedClock(): StoppedClock {
  const over = Promise.withResolvers<void>();
  const asked: number[] = [];
  const clock: StoppedClock = {
    time: 1_000_000,
    now: () => clock.time,
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
  return clock;
}

const desktop = "vscode://openrouter-keys.openrouter-keys/auth?windowId=2";

const off: SignInWithMicrosoft = async () => ({ kind: "off" });

/** What is put in is taken in turn; who takes waits for it, or for the signal and then gets nothing. */
function createQueue<T>() {
  const [waiting, items]: [(() => void)[], T[]] = [[], []];
  return {
    push: (...more: readonly T[]): void => {
      items.push(...more);
      waiting.shift()?.();
    },
    take: async (signal: AbortSignal): Promise<T | undefined> => {
      if (items.length === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      return signal.aborted ? undefined : items.shift();
    },
  };
}

function createHarness(
  callbackAddress = desktop,
  isHere = true,
  withMicrosoft = off,
  storage = new MemorySecretStorage(),
) {
  const pending = createPendingSignIns(storage);
  const remote = createFakeFunction();
  const log = createRecordingLog();
  const clock = createStoppedClock();
  const callbacks = createEmitter<Callback>();
  const opened: URL[] = [];
  const browser = Promise.withResolvers<URL>();
  let agrees = true;
  /** What the person pastes, in turn, and what they were told was wrong with it. */
  const pasted = createQueue<string | undefined>();
  const problems: (string | undefined)[] = [];
  const box = Promise.withResolvers<void>();
  const listening = Promise.withResolvers<void>();
  /** What the person was told after a reload, and whether they press the button then. */
  const told: string[] = [];
  const press = Promise.withResolvers<boolean>();
  const place = { folder: "file:///project", gives: [callbackAddress] };
  const editor = {
    isBrowserHere: () => isHere,
    askForCode: async (signal: AbortSignal, problem: string | undefined) => {
      problems.push(problem);
      box.resolve();
      return pasted.take(signal);
    },
    callbackAddress: async () => (place.gives.length > 1 ? place.gives.shift() : place.gives[0]) ?? "",
    folder: () => place.folder,
    openInBrowser: async (address: string) => {
      opened.push(new URL(address));
      browser.resolve(new URL(address));
      return agrees;
    },
    onCallback: (listener: (callback: Callback) => void) => {
      listening.resolve();
      return callbacks.event(listener);
    },
  };
  const client = createFunctionClient({ fetch: remote.fetch, client: "test", log });
  const { signIn, resume } = createSignIn({ editor, client, withMicrosoft, pending, clock, log });
  const stop = new AbortController();
  const turns: string[] = [];
  const parameter = (name: string): string => opened.at(-1)?.searchParams.get(name) ?? "";
  return {
    remote,
    log,
    clock,
    storage,
    told,
    press: press.resolve,
    place,
    listening: listening.promise,
    resume: () => {
      const done = resume(here, stop.signal, (news) => {
        told.push(news);
        return press.promise;
      });
      done.catch(() => {});
      return done;
    },
    opened,
    parameter,
    stop,
    pasted,
    problems,
    boxShown: box.promise,
    start: (signal = stop.signal, { address = here, fresh = false, byCode = false } = {}) => {
      const done = signIn({ address, fresh, byCode }, signal, (turn) => turns.push(turn));
      done.catch(() => {});
      return done;
    },
    browserOpened: browser.promise,
    /** What the person was told to do. */
    turns: () => turns.join(" "),
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
        turns: "finish",
        requests: ["GET /v1/me", "POST /v1/auth/token"],
      },
    );
  });

  describe("with the editor's Microsoft account", () => {
    it("opens no browser when that is taken", async () => {
      const harness = createHarness(desktop, true, async (_address, _signal, onTurn) => {
        onTurn();
        return { kind: "signed-in", answer: signedIn };
      });
      assert.deepEqual(
        [await harness.start(), harness.opened, harness.turns(), harness.asked()],
        [signedIn, [], "microsoft", ["GET /v1/me"]],
      );
    });

    for (const [way, redirect, turn] of [
      ["the browser", desktop, "finish-instead"],
      ["a code", "http://localhost:8080/callback", "paste-instead"],
    ] as const) {
      it(`goes on by ${way} when that is not taken, and says so`, async () => {
        const harness = createHarness(redirect, false, async () => ({ kind: "failed" }));
        const done = harness.start();
        await harness.browserOpened;
        const code = harness.issueCode();
        if (turn === "finish-instead") harness.callBack(`code=${code}&state=${harness.parameter("state")}`);
        else harness.pasted.push(code);
        assert.deepEqual([await done, harness.turns()], [signedIn, turn]);
      });
    }

    for (const options of [{ fresh: true }, { byCode: true }]) {
      it(`is not tried where it does not do: ${Object.keys(options).join()}`, async () => {
        let tries = 0;
        const harness = createHarness(desktop, true, async () => {
          tries += 1;
          return { kind: "failed" };
        });
        const done = harness.start(harness.stop.signal, options);
        await harness.browserOpened;
        const code = harness.issueCode();
        harness.callBack(`code=${code}&state=${harness.parameter("state")}`);
        harness.pasted.push(code);
        assert.deepEqual([await done, tries], [signedIn, 0]);
      });
    }
  });

  it("asks the function for a proof of the last hours when a fresh sign-in is wanted", async () => {
    const harness = createHarness();
    const done = harness.start(harness.stop.signal, { fresh: true });
    await harness.browserOpened;
    harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
    assert.deepEqual([await done, harness.parameter("max_age")], [signedIn, "21600"]);
  });

  describe("where the browser cannot come back by itself", () => {
    const tunnel = "http://localhost:8080/callback";

    it("shows a code, and takes what the person pastes", async () => {
      const harness = createHarness(tunnel, false);
      const done = harness.start();
      await harness.boxShown;
      harness.pasted.push(harness.issueCode("pasted"));
      assert.deepEqual(
        [await done, harness.parameter("redirect_uri"), harness.turns(), harness.problems],
        [signedIn, `${base}/v1/auth/code`, "paste", [undefined]],
      );
    });

    it("asks once more for a code that the function does not take", async () => {
      const harness = createHarness(tunnel, false);
      const done = harness.start();
      await harness.boxShown;
      harness.pasted.push("of-another-page", harness.issueCode("pasted"));
      assert.deepEqual(
        [await done, harness.problems],
        [
          signedIn,
          [
            undefined,
            "The function does not take this code. Paste the one from the page that this sign-in has opened.",
          ],
        ],
      );
    });

    it("ends silently when the person closes the box", async () => {
      const harness = createHarness(tunnel, false);
      const done = harness.start().catch((error: unknown) => error);
      harness.pasted.push(undefined);
      assert.ok((await done) instanceof CancelledError);
    });

    it("takes the box away when the time is over", async () => {
      const harness = createHarness(tunnel, false);
      const done = harness.start();
      await harness.boxShown;
      harness.clock.runOut();
      await assert.rejects(done, { message: /within 5 minutes\. Start it again\.$/ });
    });

    it("says what is wrong when the function does not show codes at the address that is set", async () => {
      const harness = createHarness(tunnel, false);
      harness.remote.redirects.clear();
      await assert.rejects(harness.start(), { message: "This address is not one that sign-in may return to." });
      assert.deepEqual(harness.opened, []);
    });
  });

  const page = "https://code.test/stable/callback?vscode-reqid=1";
  for (const [listed, turn, redirect] of [
    [true, "finish", page],
    [false, "paste", `${base}/v1/auth/code`],
  ] as const) {
    it(`returns to an editor in a browser ${listed ? "whose address is listed" : "by a code when its address is not listed"}`, async () => {
      const harness = createHarness(page);
      if (listed) harness.remote.redirects.add(page);
      const done = harness.start();
      await harness.browserOpened;
      const code = harness.issueCode();
      if (listed) harness.callBack(`code=${code}&state=${harness.parameter("state")}`);
      else harness.pasted.push(code);
      assert.deepEqual([await done, harness.parameter("redirect_uri"), harness.turns()], [signedIn, redirect, turn]);
      // What was tried out was never what the browser opened.
      const tried = harness.remote.requests.filter(({ url }) => url.includes("/auth/start"));
      assert.ok(tried.every(({ url }) => !url.includes(harness.parameter("state"))));
    });
  }

  it("shows a code to whoever asks for one, although the browser could come back", async () => {
    const harness = createHarness();
    const first = harness.start().catch((error: unknown) => error);
    await harness.browserOpened;
    const done = harness.start(new AbortController().signal, { byCode: true });
    await harness.boxShown;
    harness.pasted.push(harness.issueCode("pasted"));
    assert.deepEqual([await done, (await first) instanceof CancelledError], [signedIn, true]);
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

  it("takes nothing out of hundreds of addresses that look nearly like the right one", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    await new Promise(setImmediate);
    const state = harness.parameter("state");
    const before = JSON.stringify([harness.asked(), harness.turns(), harness.opened.length]);
    const tried = forgedCallbacks(20261125, 600, state, harness.issueCode("guessable"));
    for (const { path, query } of tried) harness.callBack(query, path);
    await new Promise(setImmediate);
    assert.deepEqual(JSON.stringify([harness.asked(), harness.turns(), harness.opened.length]), before);
    assert.ok(new Set(tried.map(({ path, query }) => path + query)).size > 500);
    // Whatever was thrown at it, it still waits for the one that belongs to it.
    harness.callBack(`code=${harness.issueCode()}&state=${state}`);
    assert.deepEqual(await done, signedIn);
    const noise = harness.log.lines.join("\n");
    assert.ok(!noise.includes(state) && !noise.includes("guessable") && !noise.includes("functionUrl"));
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

  it("is one at a time: who comes later waits for the same, and is told as well what to do", async () => {
    const harness = createHarness();
    const first = harness.start();
    await harness.browserOpened;
    await new Promise(setImmediate);
    const second = harness.start(new AbortController().signal);
    await new Promise(setImmediate);
    const turns = harness.turns();
    harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
    assert.deepEqual(
      [await first, await second, turns, harness.opened.length],
      [signedIn, signedIn, "finish finish", 1],
    );
  });

  for (const leaver of ["first", "second"] as const) {
    it(`goes on for the other when the ${leaver} of two cancels`, async () => {
      const harness = createHarness();
      const stops = { first: new AbortController(), second: new AbortController() };
      const waiting = { first: harness.start(stops.first.signal), second: harness.start(stops.second.signal) };
      await harness.browserOpened;
      stops[leaver].abort();
      const left = await waiting[leaver].catch((error: unknown) => error);
      harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
      const stayer = leaver === "first" ? waiting.second : waiting.first;
      assert.deepEqual([left instanceof CancelledError, await stayer, harness.opened.length], [true, signedIn, 1]);
    });
  }

  it("ends when everybody who waited has cancelled, and the next begins anew", async () => {
    const harness = createHarness();
    const stops = [new AbortController(), new AbortController()];
    const waiting = stops.map(({ signal }) => harness.start(signal).catch((error: unknown) => error));
    await harness.browserOpened;
    for (const stop of stops) stop.abort();
    const ends = await Promise.all(waiting);
    const code = `code=${harness.issueCode()}&state=${harness.parameter("state")}`;
    harness.callBack(code);
    const traded = harness.asked().includes("POST /v1/auth/token");
    const next = harness.start(new AbortController().signal);
    while (harness.opened.length < 2) await new Promise(setImmediate);
    harness.callBack(code);
    harness.callBack(`code=${harness.issueCode("next")}&state=${harness.parameter("state")}`);
    assert.deepEqual([ends.every((end) => end instanceof CancelledError), traded, await next], [true, false, signedIn]);
  });

  it("at another address ends the one under way", async () => {
    const harness = createHarness();
    const first = harness.start().catch((error: unknown) => error);
    await harness.browserOpened;
    void harness.start(harness.stop.signal, { address: { base: "https://other.test", origin: "https://other.test" } });
    assert.ok((await first) instanceof CancelledError);
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

  it("says that the person has left, in a way that can be told from other refusals", async () => {
    const harness = createHarness();
    const done = harness.start();
    await harness.browserOpened;
    harness.callBack(`error=offboarded&error_description=Your+access+has+ended.&state=${harness.parameter("state")}`);
    await assert.rejects(done, { name: "FunctionError", code: "offboarded", message: "Your access has ended." });
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
    await assert.rejects(done, {
      message: /within 5 minutes\. Start it again, or run “OpenRouter Keys: Sign In With Code”/,
    });
    assert.deepEqual(harness.clock.asked, [300_000]);
  });

  for (const [way, turns] of [
    ["in the notification", "finish"],
    ["before the browser opens", ""],
  ] as const) {
    it(`ends silently when the person cancels ${way}`, async () => {
      const harness = createHarness();
      if (way === "before the browser opens") harness.decline();
      const done = harness.start().catch((error: unknown) => error);
      await harness.browserOpened;
      await new Promise(setImmediate);
      if (way === "in the notification") harness.stop.abort();
      assert.ok((await done) instanceof CancelledError);
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
      assert.deepEqual([harness.opened, harness.turns()], [[], ""]);
    });
  }

  it("ends silently when the person cancels while the function keeps silent", async () => {
    const harness = createHarness();
    harness.remote.aroundSend = () => {
      harness.stop.abort();
      return Promise.reject(new DOMException("Aborted.", "AbortError"));
    };
    assert.ok((await harness.start().catch((error: unknown) => error)) instanceof CancelledError);
    assert.deepEqual(harness.opened, []);
  });

  describe("in a window that is reloaded meanwhile", () => {
    /** The window before the reload, which is never heard of again, and the one after. */
    async function reload(callbackAddress = desktop, isHere = true) {
      const before = createHarness(callbackAddress, isHere);
      before.remote.redirects.add(callbackAddress);
      void before.start();
      await before.browserOpened;
      await new Promise(setImmediate);
      const after = createHarness(callbackAddress, isHere);
      for (const [name, value] of before.storage.values) after.storage.values.set(name, value);
      after.remote.codes.set("one-time", before.parameter("code_challenge"));
      const state = before.parameter("state");
      return { after, state, callback: `code=one-time&state=${state}` };
    }
    const left = ({ storage }: ReturnType<typeof createHarness>) => [...storage.values.keys()];

    it("goes on, is traded once, and leaves nothing behind", async () => {
      const { after, callback } = await reload();
      const kept = left(after).map((name) => name.split(" ").slice(0, 2));
      const done = after.resume();
      await after.listening;
      after.callBack(callback);
      const answer = await done;
      after.callBack(callback);
      assert.deepEqual(
        [kept, answer, after.asked(), left(after), await after.resume()],
        [[["sign-in", base]], signedIn, ["POST /v1/auth/token"], [], undefined],
      );
    });

    it("is kept under a name in which nothing is secret", async () => {
      const { after, state } = await reload();
      const names = left(after).join("\n");
      const [kept = "{}"] = after.storage.values.values();
      const { verifier } = z.object({ verifier: z.string() }).parse(JSON.parse(kept));
      assert.deepEqual([verifier.length, names.includes(verifier), names.includes(state)], [43, false, false]);
    });

    it("takes nothing that is forged, and still waits for what belongs to it", async () => {
      const { after, state, callback } = await reload();
      const done = after.resume();
      await after.listening;
      for (const { path, query } of forgedCallbacks(4, 200, state, "guess")) after.callBack(query, path);
      await new Promise(setImmediate);
      const asked = after.asked();
      after.callBack(callback);
      assert.deepEqual([asked, await done], [[], signedIn]);
    });

    it("has only what is left of the five minutes, and then says what to do", async () => {
      const { after } = await reload();
      after.clock.time += 120_000;
      const done = after.resume();
      await after.listening;
      after.clock.runOut();
      await assert.rejects(done, { message: /within 5 minutes\. Start it again/ });
      assert.deepEqual([after.clock.asked, left(after)], [[180_000], []]);
    });

    for (const [situation, minutes] of [
      ["is over", 6],
      ["is of a time to come", -1],
    ] as const) {
      it(`takes nothing more when its time ${situation}, and forgets it`, async () => {
        const { after, callback } = await reload();
        after.clock.time += minutes * 60_000;
        const done = after.resume();
        after.callBack(callback);
        assert.deepEqual([await done, after.asked(), left(after)], [undefined, [], []]);
      });
    }

    it("says why it was refused, and that a code was no longer good", async () => {
      for (const [query, message] of [
        ["error=forbidden&error_description=Not+yours.", "Not yours."],
        ["code=stale", "This sign-in is no longer valid. Start again."],
      ] as const) {
        const { after, state } = await reload();
        const done = after.resume();
        await after.listening;
        after.callBack(`${query}&state=${state}`);
        await assert.rejects(done, { message });
        assert.deepEqual(left(after), []);
      }
    });

    it("is ended by a new sign-in", async () => {
      const { after, callback } = await reload();
      const done = after.resume().catch((error: unknown) => error);
      await new Promise(setImmediate);
      void after.start();
      await after.browserOpened;
      after.callBack(callback);
      await new Promise(setImmediate);
      assert.deepEqual(
        [(await done) instanceof CancelledError, after.asked(), left(after).length],
        [true, ["GET /v1/me"], 1],
      );
      after.stop.abort();
    });

    it("leaves it to the window that still lives, and says nothing when that has ended it", async () => {
      const { after, callback } = await reload();
      const done = after.resume();
      await after.listening;
      after.storage.values.clear();
      after.callBack(callback);
      assert.deepEqual([await done, after.asked()], [undefined, []]);
    });

    it("listens at the same port again", async () => {
      const before = createHarness("http://127.0.0.1:8080/callback");
      const first = before.start().catch((error: unknown) => error);
      await before.browserOpened;
      const redirect = new URL(before.parameter("redirect_uri"));
      const after = createHarness("http://127.0.0.1:8080/callback");
      for (const [name, value] of before.storage.values) after.storage.values.set(name, value);
      before.stop.abort();
      await first;
      const done = after.resume();
      after.remote.codes.set("one-time", before.parameter("code_challenge"));
      redirect.search = `code=one-time&state=${before.parameter("state")}`;
      let page: Response | undefined;
      while (page === undefined) page = await fetch(redirect).catch(() => undefined);
      assert.deepEqual([page.status, await done], [200, signedIn]);
    });

    describe("and pastes a code", () => {
      const tunnel = "http://localhost:8080/callback";

      it("says so, asks for the code only then, and takes it", async () => {
        const { after } = await reload(tunnel, false);
        const done = after.resume();
        await after.listening;
        await new Promise(setImmediate);
        const unasked = [...after.problems];
        after.press(true);
        await after.boxShown;
        after.pasted.push("of-another-page", "one-time");
        const answer = await done;
        assert.deepEqual(
          [after.told, unasked, answer, after.problems.length, after.opened, left(after)],
          [["paste"], [], signedIn, 2, [], []],
        );
      });

      it("is let be when the person closes what they are told, or the box", async () => {
        for (const closes of ["message", "box"]) {
          const { after } = await reload(tunnel, false);
          const done = after.resume().catch((error: unknown) => error);
          after.press(closes === "box");
          if (closes === "box") after.pasted.push(undefined);
          const end = await done;
          assert.deepEqual(
            [end === undefined || end instanceof CancelledError, after.asked(), left(after)],
            [true, [], []],
          );
        }
      });

      it("takes the box away when the five minutes are over", async () => {
        const { after } = await reload(tunnel, false);
        const done = after.resume();
        after.press(true);
        await after.boxShown;
        after.clock.runOut();
        await assert.rejects(done, { message: /within 5 minutes\. Start it again\.$/ });
        assert.deepEqual([after.problems, left(after)], [[undefined], []]);
      });
    });

    describe("and is a page in the browser itself", () => {
      const page = (number: number): string => `https://code.test/callback?vscode-reqid=${number}`;

      it("says what to do, and takes what comes to the address from before the reload", async () => {
        const { after, callback } = await reload(page(3));
        after.place.gives = [page(1), page(2), page(3), page(4)];
        const done = after.resume();
        await after.listening;
        while (after.told.length === 0) await new Promise(setImmediate);
        after.callBack(callback);
        assert.deepEqual(
          [await done, after.told, after.place.gives, left(after)],
          [signedIn, ["finish"], [page(4)], []],
        );
      });

      for (const [pressed, end] of [
        [true, "again"],
        [false, undefined],
      ] as const) {
        it(`says at once that the browser cannot come back, and ${pressed ? "begins again" : "lets it be"}`, async () => {
          const { after } = await reload(page(3));
          after.place.gives = ["https://code.test/other"];
          after.press(pressed);
          assert.deepEqual([await after.resume(), after.told, after.asked(), left(after)], [end, ["lost"], [], []]);
        });
      }

      it("waits on when the person closes what they are told while the browser can still come", async () => {
        const { after, callback } = await reload(page(1));
        after.press(false);
        const done = after.resume();
        await after.listening;
        while (after.told.length === 0) await new Promise(setImmediate);
        await new Promise(setImmediate);
        after.callBack(callback);
        assert.deepEqual([await done, after.told], [signedIn, ["finish"]]);
      });
    });

    for (const [way, address, isHere] of [
      ["a code", "http://localhost:8080/callback", false],
      ["its own page", "https://code.test/callback?vscode-reqid=1", true],
    ] as const) {
      it(`tells no window with another folder of a sign-in by ${way}, and leaves it alone`, async () => {
        const { after } = await reload(address, isHere);
        after.place.folder = "file:///other";
        assert.deepEqual([await after.resume(), after.told, left(after).length], [undefined, [], 1]);
      });
    }

    for (const end of ["signed in", "cancelled"] as const) {
      it(`keeps nothing once it is ${end}`, async () => {
        const harness = createHarness();
        const done = harness.start().catch((error: unknown) => error);
        await harness.browserOpened;
        if (end === "cancelled") harness.stop.abort();
        else harness.callBack(`code=${harness.issueCode()}&state=${harness.parameter("state")}`);
        await done;
        await new Promise(setImmediate);
        assert.deepEqual([...harness.storage.values.keys()], []);
      });
    }
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
