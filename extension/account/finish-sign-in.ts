/** How a sign-in ends, whether the window was reloaded meanwhile or not. */
import { TokenAnswer } from "../../functions/contract/account.ts";
import { paths, redirectPath } from "../../functions/contract/paths.ts";
import { CancelledError, presentable, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { FunctionClient } from "./function-client.ts";
import { FunctionError } from "./function-error.ts";
import type { PendingSignIn } from "./pending-sign-in.ts";
import { type Callback, readCallback } from "./redirect.ts";
import type { SignInEditor } from "./sign-in.ts";
import { t } from "../base/words.ts";

/** Milliseconds from the beginning to the end of a sign-in. */
export const patience = 5 * 60_000;

/** What the browser brings back, and what is shown everything that comes. */
export interface Browser {
  readonly code: Promise<string>;
  readonly take: (callback: Callback) => "done" | "refused" | "not-ours";
}

export type Trade = (code: string) => Promise<TokenAnswer>;

/** Of everything that comes, what has this state is taken. */
export function waitForBrowser(log: Log, state: string): Browser {
  const code = Promise.withResolvers<string>();
  // Nobody may be waiting yet when a refusal arrives.
  code.promise.catch(() => {});
  const take: Browser["take"] = (callback) => {
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

export function tradeCode(
  client: FunctionClient,
  address: FunctionAddress,
  code: string,
  codeVerifier: string,
  signal: AbortSignal,
): Promise<TokenAnswer> {
  const body = JSON.stringify({ code, codeVerifier });
  return client.ask({ address, method: "POST", path: paths.authToken, body, signal }, TokenAnswer);
}

/** A code that is none, or is not the whole, is asked for once more: the one in the browser is still good. */
export async function tradePasted(
  editor: Pick<SignInEditor, "askForCode">,
  trade: Trade,
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

export function tooLate(kind: PendingSignIn["kind"]): UserError {
  return new UserError(
    kind === "code"
      ? t("Nobody finished the sign-in in the browser within 5 minutes. Start it again.")
      : t(
          "Nobody finished the sign-in in the browser within 5 minutes. Start it again, " +
            "or run “OpenRouter Keys: Sign In With Code” if your browser did not come back to the editor.",
        ),
  );
}

/** The function's own sentence where it sent one; a browser's address is anybody's text, hence made presentable. */
function refusal(error: string, description: string | undefined): string {
  const sentence = presentable(description ?? "");
  return sentence === ""
    ? t("The sign-in was refused ({0}). Ask whoever runs the function.", presentable(error, 60))
    : sentence;
}
