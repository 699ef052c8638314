import type { SignInAttempt } from "./account-store.ts";
import type { RedirectKind } from "../policy/redirects.ts";
import { redirectKind } from "../policy/redirects.ts";
import { admitPerson } from "./admit-person.ts";
import { askIssuer } from "./ask-issuer.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import { randomToken, sha256 } from "./secrets.ts";
import { freshSeconds } from "./sessions.ts";

/**
 * Sign-in as a broker: the function is the issuer's client, so it only ever believes what it fetched itself, and no
 * token of the issuer reaches an editor. What is kept of codes and cookies are SHA-256 hashes; an attempt lives
 * 10 minutes, a one-time code 60 seconds (5 minutes where a person has to do something with it), and each is good once,
 * also when the once is a failure.
 */
const attemptMs = 10 * 60_000;
const codeMs = 60_000;
const handledCodeMs = 5 * 60_000;
/** How far the issuer's clock may be from ours. */
const skewMs = 60_000;

export interface StartRequest {
  readonly codeChallenge: string;
  readonly redirectUri: string;
  readonly clientState: string;
  /** The person must have proved who they are within so many seconds; 0: they are asked again. */
  readonly maxAgeSeconds: number | undefined;
}

/**
 * Begins a sign-in. `browserToken` goes into a cookie: only that browser may finish what it began. Throws where no
 * editor can be told.
 */
export async function startSignIn(
  deps: Deps,
  request: StartRequest,
): Promise<{ readonly kind: "begun"; authorizationUrl: string; browserToken: string } | RefusedSignIn> {
  const kind = redirectKind(request.redirectUri, deps.rules.redirects);
  if (kind === undefined) {
    throw new ServiceError(
      "invalid_request",
      "This address is not one that sign-in may return to. If your editor runs in a browser, an administrator adds its address to SESSION_REDIRECTS.",
    );
  }
  const state = randomToken();
  const nonce = randomToken();
  const verifier = randomToken();
  const browserToken = randomToken();
  // Asked for in any case: a sign-in that the issuer answers silently would else begin with an old proof.
  const maxAgeSeconds = request.maxAgeSeconds ?? freshSeconds;
  let authorizationUrl: string;
  try {
    authorizationUrl = await askIssuer(() => deps.issuer.authorizationUrl({ state, nonce, verifier, maxAgeSeconds }));
  } catch (error) {
    return refused(error, kind, request);
  }
  const now = deps.clock();
  await deps.accounts.saveAttempt({
    stateHash: await sha256(state),
    codeChallenge: request.codeChallenge,
    redirectUri: request.redirectUri,
    clientState: request.clientState,
    nonce,
    issuerVerifier: verifier,
    browserHash: await sha256(browserToken),
    freshSince: request.maxAgeSeconds === undefined ? undefined : now - request.maxAgeSeconds * 1000,
    expiresAt: now + attemptMs,
  });
  return { kind: "begun", authorizationUrl, browserToken };
}

/**
 * What the browser does next. `ask`: the editor runs on a host that the person has to recognise before the code goes
 * there; else somebody could begin a sign-in from their own machine there and have others finish it for them.
 */
export type SignInReturn =
  | { readonly kind: "go"; readonly location: string }
  | { readonly kind: "ask"; readonly location: string; readonly email: string; readonly startedAt: number }
  | { readonly kind: "show"; readonly code: string; readonly email: string }
  | RefusedSignIn;

/** `location`: where the editor waits and is told too. */
interface RefusedSignIn {
  readonly kind: "refused";
  readonly refusal: ServiceError;
  readonly location: string | undefined;
}

/** Finishes what the issuer sent back. Throws when the answer belongs to no attempt of this browser. */
export async function finishSignIn(
  deps: Deps,
  parameters: URLSearchParams,
  browserToken: string | undefined,
): Promise<SignInReturn> {
  const attempt = await takeAttempt(deps, parameters, browserToken);
  // Looked up again: the settings count as they are, not as they were at the start.
  const kind = redirectKind(attempt.redirectUri, deps.rules.redirects);
  try {
    if (kind === undefined)
      throw new ServiceError("invalid_request", "Sign-in may not return to this address any more.");
    const identity = await askIssuer(() =>
      deps.issuer.redeem({ parameters, nonce: attempt.nonce, verifier: attempt.issuerVerifier }),
    );
    if (attempt.freshSince !== undefined && identity.authTime < attempt.freshSince - skewMs) {
      throw new ServiceError(
        "reauth_required",
        "The sign-in service did not ask who you are again. Sign out there, then sign in from your editor once more.",
      );
    }
    const owner = await admitPerson(deps, identity);
    const code = randomToken();
    await deps.accounts.saveCode({
      codeHash: await sha256(code),
      ownerId: owner.id,
      codeChallenge: attempt.codeChallenge,
      authTime: identity.authTime,
      expiresAt: deps.clock() + (kind === "editor" ? codeMs : handledCodeMs),
    });
    const location = withQuery(attempt, { code });
    switch (kind) {
      case "editor":
        return { kind: "go", location };
      case "browser":
        return { kind: "ask", location, email: owner.email, startedAt: attempt.expiresAt - attemptMs };
      case "page":
        return { kind: "show", code, email: owner.email };
    }
  } catch (error) {
    return refused(error, kind, attempt);
  }
}

/** Throws what is no refusal. */
function refused(error: unknown, kind: RedirectKind | undefined, editor: WaitingEditor): RefusedSignIn {
  if (!(error instanceof ServiceError)) throw error;
  const isWaiting = kind === "editor" || kind === "browser";
  const told = { error: error.code, error_description: error.message };
  return { kind: "refused", refusal: error, location: isWaiting ? withQuery(editor, told) : undefined };
}

async function takeAttempt(
  deps: Deps,
  parameters: URLSearchParams,
  browserToken: string | undefined,
): Promise<SignInAttempt> {
  const [state, ...others] = parameters.getAll("state");
  const attempt =
    state === undefined || others.length > 0
      ? undefined
      : await deps.accounts.takeAttempt(await sha256(state), deps.clock());
  if (attempt === undefined) {
    throw new ServiceError(
      "invalid_request",
      "This sign-in has expired or was already used. Start again from your editor.",
    );
  }
  if (browserToken === undefined || (await sha256(browserToken)) !== attempt.browserHash) {
    throw new ServiceError(
      "invalid_request",
      "This sign-in was started in another browser. Start again from your editor and stay in one browser.",
    );
  }
  return attempt;
}

type WaitingEditor = Pick<SignInAttempt, "redirectUri" | "clientState">;

/** The editor's own query (a window id, a request id) is kept. */
function withQuery({ redirectUri, clientState }: WaitingEditor, answer: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams({ ...answer, state: clientState });
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query.toString()}`;
}
