/**
 * Goes on with a sign-in during which the window was reloaded: with the proof that was kept, so that what the browser
 * brings, or shows to be pasted, still counts.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import {
  type Browser,
  patience,
  tooLate,
  type Trade,
  tradeCode,
  tradePasted,
  waitForBrowser,
} from "./finish-sign-in.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { FunctionClient } from "./function-client.ts";
import { openLoopback } from "./loopback.ts";
import type { PendingSignIn, PendingSignIns } from "./pending-sign-in.ts";
import type { Resumed, SignInEditor, Tell } from "./sign-in.ts";

interface ResumeDeps {
  readonly editor: Pick<SignInEditor, "askForCode" | "callbackAddress" | "onCallback" | "folder">;
  readonly client: FunctionClient;
  readonly pending: PendingSignIns;
  readonly clock: Clock;
  readonly log: Log;
  readonly tell: Tell;
}

/** `window` ends with the window, `signal` also with a new sign-in. */
export async function resumeSignIn(
  deps: ResumeDeps,
  address: FunctionAddress,
  window: AbortSignal,
  signal: AbortSignal,
): Promise<Resumed> {
  const { client, pending, clock, log } = deps;
  const entry = await findEntry(deps, address);
  if (entry === undefined) return undefined;
  const ended = new AbortController();
  const untilEnd = AbortSignal.any([signal, ended.signal]);
  const closers: (() => void)[] = [() => ended.abort()];
  const isStillOpen = async (): Promise<boolean> =>
    (await pending.list(address)).some(({ state }) => state === entry.state);
  try {
    const browser = waitForBrowser(log, entry.state);
    const close = await listenAgain(deps, entry, browser.take, untilEnd);
    if (close === undefined) return undefined;
    closers.push(close);
    log.info(`The sign-in at ${address.origin} goes on after a reload, returning by ${entry.kind}.`);
    const trade: Trade = (code) => tradeCode(client, address, code, entry.verifier, untilEnd);
    let hasCome = false;
    const byBrowser = browser.code.then(async (code) => {
      hasCome = true;
      // Another window was the one, and has said what there is to say.
      if (!(await isStillOpen())) return undefined;
      await pending.drop(address, entry);
      return trade(code);
    });
    const late = clock.sleep(leftOf(deps, entry), untilEnd).then(async () => {
      if (hasCome) return byBrowser;
      if (await isStillOpen()) throw tooLate(entry.kind);
      return undefined;
    });
    const answer = await Promise.race([late, byBrowser, withPerson(deps, entry, trade, untilEnd)]);
    await pending.drop(address, entry);
    return answer;
  } catch (error) {
    // Whoever resumes next has it when this window goes; anything else is the end of it.
    if (!window.aborted) await pending.drop(address, entry);
    throw error;
  } finally {
    for (const close of closers) close();
  }
}

function leftOf({ clock }: ResumeDeps, { begunAt }: PendingSignIn): number {
  return begunAt + patience - clock.now();
}

/** The last one that this window can go on with; forgets those whose time is over. */
async function findEntry(deps: ResumeDeps, address: FunctionAddress): Promise<PendingSignIn | undefined> {
  const { editor, pending } = deps;
  // Begun later than now: the clock was set back, and nobody can say how old it is.
  const isOver = (entry: PendingSignIn): boolean => leftOf(deps, entry) <= 0 || leftOf(deps, entry) > patience;
  // Others show nothing to anybody, so any window may wait for the browser; it comes to one of them.
  const isOurs = ({ kind, folder }: PendingSignIn): boolean =>
    kind === "editor" || kind === "loopback" || folder === editor.folder();
  const found = await pending.list(address);
  for (const entry of found.filter(isOver)) await pending.drop(address, entry);
  return found.find((entry) => !isOver(entry) && isOurs(entry));
}

/** What the person does about it here. Never ends where they have nothing to do, or have closed what they were told. */
async function withPerson(
  { editor, tell }: ResumeDeps,
  { kind, returnTo }: PendingSignIn,
  trade: Trade,
  signal: AbortSignal,
): Promise<Resumed> {
  if (kind === "code") return (await tell("paste")) ? tradePasted(editor, trade, signal) : undefined;
  if (kind === "page") {
    const isBack = await takeAddressAgain(editor, returnTo);
    if (await tell(isBack ? "finish" : "lost")) return "again";
    if (!isBack) return undefined;
  }
  return new Promise(() => {});
}

/**
 * An editor in a browser takes what comes to the addresses that it has given out since it was loaded, and numbers them:
 * the one from before the reload has to be given out again. False when it was not.
 */
async function takeAddressAgain(editor: ResumeDeps["editor"], returnTo: string): Promise<boolean> {
  for (let tries = 0; tries < 20; tries += 1) if ((await editor.callbackAddress()) === returnTo) return true;
  return false;
}

/**
 * Where the browser returns to. A port may be held by the window as it was before, for a moment; undefined when it stays
 * so: then the window lives that began it, and is the one that is returned to.
 */
async function listenAgain(
  { editor, clock }: ResumeDeps,
  { kind, returnTo }: PendingSignIn,
  take: Browser["take"],
  signal: AbortSignal,
): Promise<(() => void) | undefined> {
  if (kind !== "loopback") {
    const subscription = editor.onCallback(take);
    return () => subscription.dispose();
  }
  const port = Number(new URL(returnTo).port);
  for (let tries = 1; ; tries += 1) {
    try {
      const listener = await openLoopback(take, port);
      return () => listener.close();
    } catch (error) {
      if (tries === 20) return undefined;
      if (!(error instanceof Error) || !("code" in error) || error.code !== "EADDRINUSE") throw error;
      await clock.sleep(500, signal);
    }
  }
}
