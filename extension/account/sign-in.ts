/**
 * Signs a person in through their browser. The verifier never leaves this editor, a callback counts only with the
 * state that this sign-in made up, and what comes back through the browser is a one-time code, never a token.
 */
import { TokenAnswer } from "../../functions/contract/account.ts";
import { paths, redirectPath } from "../../functions/contract/paths.ts";
import type { Clock } from "../base/clock.ts";
import type { Event } from "../base/emitter.ts";
import { CancelledError, describe, presentable, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { AnswerSchema, FunctionClient } from "./function-client.ts";
import { FunctionError } from "./function-error.ts";
import type { SignInWithMicrosoft } from "./microsoft.ts";
import { openLoopback } from "./loopback.ts";
import type { PendingSignIn, PendingSignIns } from "./pending-sign-in.ts";
import { createProof, type Proof } from "./pkce.ts";
import { type Callback, chooseRedirect, readCallback } from "./redirect.ts";
import { t } from "../base/words.ts";

/** The editor, as far as a sign-in needs it. */
export interface SignInEditor {
  /** What the editor makes of its own callback address just now; never keep it. */
  callbackAddress(): Promise<string>;
  /** Whether the browser can reach a listener on this machine. */
  isBrowserHere(): boolean;
  /** Opens exactly this address. False when the person declined. */
  openInBrowser(address: string): Promise<boolean>;
  /** Whatever opened the editor's callback address. */
  readonly onCallback: Event<Callback>;
  /** The code that the browser shows; undefined when the person gave up or the signal was aborted. */
  askForCode(signal: AbortSignal, problem: string | undefined): Promise<string | undefined>;
}

export interface SignInRequest {
  readonly address: FunctionAddress;
  /** Who the person is has to have been proved in the last hours; the issuer asks them where it was not. */
  readonly fresh: boolean;
  /** The person asks for a code to paste: the browser did not find its way back. */
  readonly byCode: boolean;
}

/**
 * What the person does while the sign-in waits for them; `instead`: in the browser after all, since the editor's
 * Microsoft account did not do it.
 */
export type Turn = "microsoft" | "finish" | "paste" | "finish-instead" | "paste-instead";

export interface SignIn {
  /**
   * Ends with the function's answer, or throws CancelledError or UserError. A second call for the same joins the
   * sign-in under way, and leaves it alone when its own signal is aborted: it ends when nobody waits for it any more.
   * A call for anything else ends it. `onTurn` is called when it is the person's turn.
   */
  signIn(request: SignInRequest, signal: AbortSignal, onTurn: (turn: Turn) => void): Promise<TokenAnswer>;
  /**
   * Waits for the browser of a sign-in that this window, or another, was in the middle of when it was reloaded. Ends as
   * `signIn` does, at the end of its five minutes at the latest; undefined when there is none or somebody else has
   * ended it. A new sign-in ends the waiting.
   */
  resume(address: FunctionAddress, signal: AbortSignal): Promise<TokenAnswer | undefined>;
}

const patience = 5 * 60_000;
/** Half of the 12 hours for which the function takes a proof: good for some hours, and seldom asked for. */
const freshWithinSeconds = 6 * 3600;

interface SignInDeps {
  readonly editor: SignInEditor;
  readonly client: FunctionClient;
  /** Tried first, unless who the person is has to be proved anew: Microsoft renews its tokens without asking. */
  readonly withMicrosoft: SignInWithMicrosoft;
  readonly pending: PendingSignIns;
  readonly clock: Clock;
  readonly log: Log;
}

interface Round {
  readonly key: string;
  readonly stop: AbortController;
  readonly done: Promise<TokenAnswer>;
  readonly members: Set<(turn: Turn) => void>;
  turn: Turn | undefined;
}

export function createSignIn(deps: SignInDeps): SignIn {
  let underWay: Round | undefined;
  let resumed: AbortController | undefined;

  function begin(request: SignInRequest, key: string): Round {
    const stop = new AbortController();
    const members: Round["members"] = new Set();
    const done = signInOnce(deps, request, stop.signal, (turn) => {
      round.turn = turn;
      for (const tell of members) tell(turn);
    });
    // Whoever waited may have left before it ends.
    done.catch(() => {});
    const round: Round = { key, stop, done, members, turn: undefined };
    return round;
  }

  return {
    signIn: async (request, signal, onTurn) => {
      if (signal.aborted) throw new CancelledError();
      const key = JSON.stringify([request.address.base, request.fresh, request.byCode]);
      if (underWay?.key !== key) {
        underWay?.stop.abort();
        resumed?.abort();
        underWay = begin(request, key);
      }
      const round = underWay;
      try {
        return await join(round, signal, onTurn);
      } finally {
        // At once, so that whoever comes next does not join what is ending.
        if (round.members.size === 0 && underWay === round) underWay = undefined;
      }
    },
    resume: async (address, signal) => {
      const stop = new AbortController();
      resumed = stop;
      try {
        return await resumeOnce(deps, address, signal, AbortSignal.any([signal, stop.signal]));
      } finally {
        if (resumed === stop) resumed = undefined;
      }
    },
  };
}

async function join(round: Round, signal: AbortSignal, onTurn: (turn: Turn) => void): Promise<TokenAnswer> {
  // Wrapped, so that one function can wait twice.
  const member = (turn: Turn): void => onTurn(turn);
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(new CancelledError());
  signal.addEventListener("abort", leave, { once: true });
  round.members.add(member);
  if (round.turn !== undefined) member(round.turn);
  try {
    return await Promise.race([round.done, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
    round.members.delete(member);
    if (round.members.size === 0) round.stop.abort();
  }
}

async function signInOnce(
  deps: SignInDeps,
  request: SignInRequest,
  signal: AbortSignal,
  onTurn: (turn: Turn) => void,
): Promise<TokenAnswer> {
  const { editor, client, clock, log } = deps;
  const { address } = request;
  const proof = createProof();
  const ended = new AbortController();
  const untilEnd = AbortSignal.any([signal, ended.signal]);
  const closers: (() => void)[] = [() => ended.abort()];
  try {
    await meetFunction(client, address, signal);
    const microsoft =
      request.fresh || request.byCode
        ? ({ kind: "off" } as const)
        : await deps.withMicrosoft(address, signal, () => onTurn("microsoft"));
    if (microsoft.kind === "signed-in") return microsoft.answer;
    const way = await findWay(deps, request, proof, signal);
    closers.push(way.close);
    log.info(`Signing in at ${address.origin}, returning by ${way.kind}.`);
    closers.push(await keep(deps, address, way, proof));
    if (!(await editor.openInBrowser(address.base + startPath(request, way.returnTo, proof)))) {
      throw new CancelledError();
    }
    const turn = way.kind === "code" ? "paste" : "finish";
    onTurn(microsoft.kind === "failed" ? `${turn}-instead` : turn);

    const tooLate = clock.sleep(patience, untilEnd).then(() => {
      throw new UserError(tooLateMessage(way.kind));
    });
    tooLate.catch(() => {});
    const trade = (code: string): Promise<TokenAnswer> => tradeCode(client, address, code, proof.verifier, untilEnd);
    if (way.kind === "code") return await Promise.race([tradePasted(editor, trade, untilEnd), tooLate]);
    return await trade(await Promise.race([way.code, tooLate]));
  } finally {
    for (const close of closers) close();
  }
}

function tradeCode(
  client: FunctionClient,
  address: FunctionAddress,
  code: string,
  codeVerifier: string,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const body = JSON.stringify({ code, codeVerifier });
  return client.ask({ address, method: "POST", path: paths.authToken, body, signal }, TokenAnswer);
}

/** For a window that is reloaded meanwhile; the answer forgets it. A storage that takes nothing keeps nobody out. */
async function keep(
  { pending, clock, log }: SignInDeps,
  address: FunctionAddress,
  { kind, returnTo }: Way,
  { state, verifier }: Proof,
): Promise<() => void> {
  if (kind === "code") return () => {};
  const entry: PendingSignIn = { kind, returnTo, state, verifier, begunAt: clock.now() };
  const complain = (error: unknown): void => log.warn(`A sign-in is not kept over a reload: ${describe(error)}`);
  await pending.put(address, entry).catch(complain);
  return () => void pending.drop(address, entry).catch(complain);
}

async function resumeOnce(
  deps: SignInDeps,
  address: FunctionAddress,
  window: AbortSignal,
  signal: AbortSignal,
): Promise<TokenAnswer | undefined> {
  const { client, pending, clock, log } = deps;
  const leftOf = ({ begunAt }: PendingSignIn): number => begunAt + patience - clock.now();
  // Begun later than now: the clock was set back, and nobody can say how old it is.
  const isOver = (entry: PendingSignIn): boolean => leftOf(entry) <= 0 || leftOf(entry) > patience;
  const found = await pending.list(address);
  for (const entry of found.filter(isOver)) await pending.drop(address, entry);
  const entry = found.find((each) => !isOver(each));
  if (entry === undefined) return undefined;
  const ended = new AbortController();
  const untilEnd = AbortSignal.any([signal, ended.signal]);
  const browser = waitForBrowser(deps, entry.state);
  const closers: (() => void)[] = [() => ended.abort()];
  try {
    const close = await listenAgain(deps, entry, browser.take, untilEnd);
    if (close === undefined) return undefined;
    closers.push(close);
    log.info(`The sign-in at ${address.origin} goes on after a reload, returning by ${entry.kind}.`);
    const code = await Promise.race([browser.code, clock.sleep(leftOf(entry), untilEnd).then(() => undefined)]);
    const isStillOpen = (await pending.list(address)).some(({ state }) => state === entry.state);
    await pending.drop(address, entry);
    // Another window was the one, and has said what there is to say.
    if (!isStillOpen) return undefined;
    if (code === undefined) throw new UserError(tooLateMessage(entry.kind));
    return await tradeCode(client, address, code, entry.verifier, untilEnd);
  } catch (error) {
    // Whoever resumes next has it when this window goes; anything else is the end of it.
    if (!window.aborted) await pending.drop(address, entry);
    throw error;
  } finally {
    for (const close of closers) close();
  }
}

/**
 * Where the browser returns to. A port may be held by the window as it was before, for a moment; undefined when it stays
 * so: then the window lives that began it, and is the one that is returned to.
 */
async function listenAgain(
  { editor, clock }: SignInDeps,
  { kind, returnTo }: PendingSignIn,
  take: Take,
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

interface Way {
  readonly kind: "editor" | "page" | "loopback" | "code";
  readonly returnTo: string;
  /** What the browser brings back; never, where the person pastes it. */
  readonly code: Promise<string>;
  readonly close: () => void;
}

type Take = (callback: Callback) => "done" | "refused" | "not-ours";

/** What the browser brings back: `take` is shown everything that comes, and takes what has this state. */
function waitForBrowser(
  { log }: Pick<SignInDeps, "log">,
  state: string,
): { readonly code: Promise<string>; readonly take: Take } {
  const code = Promise.withResolvers<string>();
  // Nobody may be waiting yet when a refusal arrives.
  code.promise.catch(() => {});
  const take: Take = (callback) => {
    const reading = readCallback(callback, redirectPath, state);
    if (reading.kind === "not-ours") {
      log.warn("Something opened the sign-in address without belonging to the sign-in under way; it is ignored.");
      return "not-ours";
    }
    if (reading.kind === "refused") {
      const sentence = refusal(reading.error, reading.description);
      const hasLeft = reading.error === "offboarded";
      code.reject(hasLeft ? new FunctionError(sentence, { code: "offboarded" }) : new UserError(sentence));
      return "refused";
    }
    code.resolve(reading.code);
    return "done";
  };
  return { code: code.promise, take };
}

/** The best way back that this editor and this function have in common. Throws UserError where there is none. */
async function findWay(
  { editor, client, log }: SignInDeps,
  request: SignInRequest,
  proof: Proof,
  signal: AbortSignal,
): Promise<Way> {
  const { code, take } = waitForBrowser({ log }, proof.state);
  /** Asks with a proof of its own, whose attempt nobody goes on with. */
  const tryOut = (returnTo: string): Promise<void> => {
    const path = startPath(request, returnTo, createProof());
    return client.checkRedirect({ address: request.address, method: "GET", path, signal });
  };

  const redirect = chooseRedirect(await editor.callbackAddress(), editor.isBrowserHere());
  if (redirect.kind === "none") throw new UserError(redirect.message);
  if (redirect.kind === "loopback" && !request.byCode) {
    const listener = await openLoopback(take);
    return { kind: "loopback", returnTo: listener.address, code, close: () => listener.close() };
  }
  if (redirect.kind === "editor" || redirect.kind === "page") {
    const isTaken =
      !request.byCode &&
      (redirect.kind === "editor" ||
        (await tryOut(redirect.address).then(
          () => true,
          (error: unknown) => {
            if (error instanceof FunctionError && error.code === "invalid_request") return false;
            throw error;
          },
        )));
    if (isTaken) {
      const subscription = editor.onCallback(take);
      const close = (): void => subscription.dispose();
      return { kind: redirect.kind, returnTo: redirect.address, code, close };
    }
  }
  // The function knows only its own public address, and what is set here may be another name of it.
  const returnTo = request.address.base + paths.authCode;
  await tryOut(returnTo);
  return { kind: "code", returnTo, code, close: () => {} };
}

function startPath({ fresh }: SignInRequest, returnTo: string, proof: Proof): string {
  const query = new URLSearchParams({
    code_challenge: proof.challenge,
    code_challenge_method: "S256",
    redirect_uri: returnTo,
    state: proof.state,
    ...(fresh ? { max_age: String(freshWithinSeconds) } : {}),
  });
  return `${paths.authStart}?${query.toString()}`;
}

/** A code that is none, or is not the whole, is asked for once more: the one in the browser is still good. */
async function tradePasted(
  editor: SignInEditor,
  trade: (code: string) => Promise<TokenAnswer>,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  let problem: string | undefined;
  for (;;) {
    const code = await editor.askForCode(signal, problem);
    if (code === undefined) throw new CancelledError();
    try {
      return await trade(code);
    } catch (error) {
      if (!(error instanceof FunctionError) || error.code !== "unauthorized") throw error;
      problem = t("The function does not take this code. Paste the one from the page that this sign-in has opened.");
    }
  }
}

function tooLateMessage(kind: Way["kind"]): string {
  return kind === "code"
    ? t("Nobody finished the sign-in in the browser within 5 minutes. Start it again.")
    : t(
        "Nobody finished the sign-in in the browser within 5 minutes. Start it again, " +
          "or run “OpenRouter Keys: Sign In With Code” if your browser did not come back to the editor.",
      );
}

/** Without a session there is no good answer, so what gives one is not the function. */
const noAnswer: AnswerSchema<never> = { safeParse: () => ({ success: false }) };

/**
 * Makes sure that the function is there before the person is sent to it: otherwise the browser shows somebody else's
 * page or none, and the editor waits for nothing. Only the function refuses a stranger in its own words. Throws
 * FunctionError and CancelledError.
 */
async function meetFunction(client: FunctionClient, address: FunctionAddress, signal: AbortSignal): Promise<void> {
  try {
    await client.ask({ address, method: "GET", path: paths.me, signal }, noAnswer);
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error;
    if (error.code === "unauthorized") return;
    if (error.code !== "not_found") throw error;
    // The function is there and knows no such path: what is set goes on after its address.
    const message = t("{0} leads past the function. Check openrouterKeys.functionUrl in the settings.", address.base);
    throw new UserError(message, { cause: error });
  }
}

/** The function's own sentence where it sent one; a browser's address is anybody's text, hence made presentable. */
function refusal(error: string, description: string | undefined): string {
  const sentence = presentable(description ?? "");
  return sentence === ""
    ? t("The sign-in was refused ({0}). Ask whoever runs the function.", presentable(error, 60))
    : sentence;
}
