import { ProblemAnswer } from "../../functions/contract/problem.ts";
import { TokenAnswer } from "../../functions/contract/account.ts";
import type { Answer, RunningFunction } from "./function.ts";
import { call, desktopRedirect, startParameters } from "./function.ts";
import { SignInStopped, createBrowser, followSignIn } from "./issuer/browserless.ts";

/** How a sign-in ended: with a session, or with the code of the refusal. */
export type Attempt = { readonly token: TokenAnswer } | { readonly refused: string };

/** A whole sign-in as a person and their editor do it; `query` goes to the start. */
export async function attempt(
  running: RunningFunction,
  email = "ada@example.com",
  query: Readonly<Record<string, string>> = {},
  browser = createBrowser(),
): Promise<Attempt> {
  const { verifier, url } = startParameters(running.url, desktopRedirect, "editor-state", query);
  let code: string | null = null;
  try {
    code = (await followSignIn(url, email, browser)).searchParams.get("code");
  } catch (error) {
    if (!(error instanceof SignInStopped)) throw error;
  }
  if (code === null) return { refused: running.records.at(-1)?.code ?? "stopped" };
  const answer = await exchange(running, code, verifier);
  return answer.status === 200 ? { token: TokenAnswer.parse(answer.body) } : { refused: codeOf(answer) };
}

/** The attempt in a word. */
export async function outcome(
  running: RunningFunction,
  email?: string,
  query?: Readonly<Record<string, string>>,
): Promise<string> {
  const ended = await attempt(running, email, query);
  return "token" in ended ? "signed in" : ended.refused;
}

export function exchange(running: RunningFunction, code: string, codeVerifier: string): Promise<Answer> {
  return call(running.url, "POST", "/v1/auth/token", { body: { code, codeVerifier } });
}

/** The code of a problem; the status of any other answer. */
export function codeOf(answer: Answer): string {
  return answer.status < 400 ? String(answer.status) : ProblemAnswer.parse(answer.body).code;
}
