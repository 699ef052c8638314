/**
 * Signs a person in through their browser. The verifier never leaves this process, a callback counts only with the
 * state that this sign-in made up, and what comes back through the browser is a one-time code, never a token.
 */
import { TokenAnswer } from "../../functions/contract/account.ts";
import { paths, redirectPath } from "../../functions/contract/paths.ts";
import type { Clock } from "../base/clock.ts";
import type { Event } from "../base/emitter.ts";
import { CancelledError, presentable, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { AnswerSchema, FunctionClient } from "./function-client.ts";
import { FunctionError } from "./function-error.ts";
import { openLoopback } from "./loopback.ts";
import { createProof } from "./pkce.ts";
import { type Callback, chooseRedirect, readCallback } from "./redirect.ts";

/** The editor, as far as a sign-in needs it. */
export interface SignInEditor {
  /** What the editor makes of its own callback address just now; never keep it. */
  callbackAddress(): Promise<string>;
  /** Opens exactly this address. False when the person declined. */
  openInBrowser(address: string): Promise<boolean>;
  /** Whatever opened the editor's callback address. */
  readonly onCallback: Event<Callback>;
}

export interface SignIn {
  /**
   * Ends with the function's answer, or throws CancelledError or UserError. While a sign-in at the same address is
   * under way, a second call waits for that one; a call for another address ends it. `browserOpened` is called when it
   * is the person's turn.
   */
  signIn(address: FunctionAddress, signal: AbortSignal, browserOpened: () => void): Promise<TokenAnswer>;
}

const patience = 5 * 60_000;

interface SignInDeps {
  readonly editor: SignInEditor;
  readonly client: FunctionClient;
  readonly clock: Clock;
  readonly log: Log;
}

export function createSignIn(deps: SignInDeps): SignIn {
  let underWay:
    | { readonly base: string; readonly stop: AbortController; readonly done: Promise<TokenAnswer> }
    | undefined;

  return {
    signIn: (address, signal, browserOpened) => {
      if (underWay?.base === address.base) return underWay.done;
      underWay?.stop.abort();
      const stop = new AbortController();
      const done = signInOnce(deps, address, AbortSignal.any([signal, stop.signal]), browserOpened).finally(() => {
        if (underWay?.stop === stop) underWay = undefined;
      });
      underWay = { base: address.base, stop, done };
      return done;
    },
  };
}

async function signInOnce(
  deps: SignInDeps,
  address: FunctionAddress,
  signal: AbortSignal,
  browserOpened: () => void,
): Promise<TokenAnswer> {
  const { editor, client, clock, log } = deps;
  const proof = createProof();
  const code = Promise.withResolvers<string>();
  // Nobody may be waiting yet when a refusal arrives.
  code.promise.catch(() => {});

  const take = (callback: Callback): "done" | "refused" | "not-ours" => {
    const reading = readCallback(callback, redirectPath, proof.state);
    if (reading.kind === "not-ours") {
      log.warn("Something opened the sign-in address without belonging to the sign-in under way; it is ignored.");
      return "not-ours";
    }
    if (reading.kind === "refused") {
      code.reject(new UserError(refusal(reading.error, reading.description)));
      return "refused";
    }
    code.resolve(reading.code);
    return "done";
  };

  const ended = new AbortController();
  const closers: (() => void)[] = [];
  try {
    if (signal.aborted) throw new CancelledError();
    await meetFunction(client, address, signal);
    const redirect = chooseRedirect(await editor.callbackAddress());
    if (redirect.kind === "none") throw new UserError(redirect.message);

    let returnTo: string;
    if (redirect.kind === "loopback") {
      const listener = await openLoopback(take);
      closers.push(() => listener.close());
      returnTo = listener.address;
    } else {
      const subscription = editor.onCallback(take);
      closers.push(() => subscription.dispose());
      returnTo = redirect.address;
    }

    const start = new URLSearchParams({
      code_challenge: proof.challenge,
      code_challenge_method: "S256",
      redirect_uri: returnTo,
      state: proof.state,
    });
    log.info(`Signing in at ${address.origin}, returning by ${redirect.kind}.`);
    const opened = await editor.openInBrowser(`${address.base}${paths.authStart}?${start.toString()}`);
    if (!opened) throw new CancelledError();
    browserOpened();

    const tooLate = clock.sleep(patience, AbortSignal.any([signal, ended.signal])).then(() => {
      throw new UserError("Nobody finished the sign-in in the browser within 5 minutes. Start it again.");
    });
    tooLate.catch(() => {});
    const oneTimeCode = await Promise.race([code.promise, tooLate]);
    return await client.ask(
      {
        address,
        method: "POST",
        path: paths.authToken,
        body: JSON.stringify({ code: oneTimeCode, codeVerifier: proof.verifier }),
        signal,
      },
      TokenAnswer,
    );
  } finally {
    ended.abort();
    for (const close of closers) close();
  }
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
    const message = `${address.base} leads past the function. Check openrouterKeys.functionUrl in the settings.`;
    throw new UserError(message, { cause: error });
  }
}

/** The function's own sentence where it sent one; a browser's address is anybody's text, hence made presentable. */
function refusal(error: string, description: string | undefined): string {
  const sentence = presentable(description ?? "");
  return sentence === ""
    ? `The sign-in was refused (${presentable(error, 60)}). Ask whoever runs the function.`
    : sentence;
}
