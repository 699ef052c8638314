/**
 * Signs a person in through their browser. The verifier never leaves this editor, a callback counts only with the
 * state that this sign-in made up, and what comes back through the browser is a one-time code, never a token.
 */
import type { TokenAnswer } from "../../functions/contract/account.ts";
import { paths } from "../../functions/contract/paths.ts";
import type { Clock } from "../base/clock.ts";
import type { Event } from "../base/emitter.ts";
import { CancelledError, describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { t } from "../base/words.ts";
import { patience, tooLate, type Trade, tradeCode, tradePasted, waitForBrowser } from "./finish-sign-in.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { AnswerSchema, FunctionClient } from "./function-client.ts";
import { FunctionError } from "./function-error.ts";
import type { SignInWithMicrosoft } from "./microsoft.ts";
import { openLoopback } from "./loopback.ts";
import type { PendingSignIn, PendingSignIns } from "./pending-sign-in.ts";
import { createProof, type Proof } from "./pkce.ts";
import { type Callback, chooseRedirect } from "./redirect.ts";
import { resumeSignIn } from "./resume-sign-in.ts";

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
  /** What this window has open, by which it is known again after a reload; empty for nothing. */
  folder(): string;
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
   * Goes on with a sign-in that this window, or another, was in the middle of when it was reloaded, after `tell` where
   * the person has to know. Ends as `signIn` does, at the end of its five minutes at the latest; "again" when the person
   * wants to begin anew; undefined when there is none, the person let it be, or somebody else has ended it. A new
   * sign-in ends the waiting.
   */
  resume(address: FunctionAddress, signal: AbortSignal, tell: Tell): Promise<Resumed>;
}

/**
 * What a person is told after a reload: paste the code; finish in the browser; or that the browser does not find back
 * and the sign-in has to begin again.
 */
export type News = "paste" | "finish" | "lost";
/** True when the person pressed the button that the news comes with, false when they closed it. */
export type Tell = (news: News) => Promise<boolean>;
export type Resumed = TokenAnswer | "again" | undefined;

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
    resume: async (address, signal, tell) => {
      const stop = new AbortController();
      resumed = stop;
      try {
        return await resumeSignIn({ ...deps, tell }, address, signal, AbortSignal.any([signal, stop.signal]));
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

    const timeout = clock.sleep(patience, untilEnd).then(() => {
      throw tooLate(way.kind);
    });
    timeout.catch(() => {});
    const trade: Trade = (code) => tradeCode(client, address, code, proof.verifier, untilEnd);
    if (way.kind === "code") return await Promise.race([tradePasted(editor, trade, untilEnd), timeout]);
    return await trade(await Promise.race([way.code, timeout]));
  } finally {
    for (const close of closers) close();
  }
}

/** For a window that is reloaded meanwhile; the answer forgets it. A storage that takes nothing keeps nobody out. */
async function keep(
  { editor, pending, clock, log }: SignInDeps,
  address: FunctionAddress,
  { kind, returnTo }: Way,
  { state, verifier }: Proof,
): Promise<() => void> {
  const entry: PendingSignIn = { kind, returnTo, state, verifier, begunAt: clock.now(), folder: editor.folder() };
  const complain = (error: unknown): void => log.warn(`A sign-in is not kept over a reload: ${describe(error)}`);
  await pending.put(address, entry).catch(complain);
  return () => void pending.drop(address, entry).catch(complain);
}

interface Way {
  readonly kind: PendingSignIn["kind"];
  readonly returnTo: string;
  /** What the browser brings back; never, where the person pastes it. */
  readonly code: Promise<string>;
  readonly close: () => void;
}

/** The best way back that this editor and this function have in common. Throws UserError where there is none. */
async function findWay(
  { editor, client, log }: SignInDeps,
  request: SignInRequest,
  proof: Proof,
  signal: AbortSignal,
): Promise<Way> {
  const { code, take } = waitForBrowser(log, proof.state);
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
