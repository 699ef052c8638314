import { belongsToCompany, normaliseEmail } from "../policy/email.ts";
import { isRedirectAllowed } from "../policy/redirects.ts";
import type { Owner, SignInAttempt } from "./account-store.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import { IssuerError } from "./identity-issuer.ts";
import { randomToken, sha256 } from "./secrets.ts";

/**
 * Sign-in as a broker: the function is the issuer's client, so it only ever believes what it fetched itself, and no
 * token of the issuer reaches an editor. What is kept of codes, cookies and tokens are SHA-256 hashes; an attempt
 * lives 10 minutes, a one-time code 60 seconds, and each is good once, also when the once is a failure.
 */
const attemptMs = 10 * 60_000;
const codeMs = 60_000;
const sessionMs = 7 * 24 * 3_600_000;
const idleMs = 72 * 3_600_000;
const mostSessions = 10;
const touchEveryMs = 10 * 60_000;

export interface StartRequest {
  readonly codeChallenge: string;
  readonly redirectUri: string;
  readonly clientState: string;
}

/** Begins a sign-in. `browserToken` goes into a cookie: only that browser may finish what it began. */
export async function startSignIn(
  deps: Deps,
  request: StartRequest,
): Promise<{ authorizationUrl: string; browserToken: string }> {
  if (!isRedirectAllowed(request.redirectUri, deps.rules.redirects)) {
    throw new ServiceError(
      "invalid_request",
      "This address is not one that sign-in may return to. If your editor runs in a browser, an administrator adds its address to SESSION_REDIRECTS.",
    );
  }
  const state = randomToken();
  const nonce = randomToken();
  const verifier = randomToken();
  const browserToken = randomToken();
  const authorizationUrl = await askIssuer(() => deps.issuer.authorizationUrl({ state, nonce, verifier }));
  await deps.accounts.saveAttempt({
    stateHash: await sha256(state),
    codeChallenge: request.codeChallenge,
    redirectUri: request.redirectUri,
    clientState: request.clientState,
    nonce,
    issuerVerifier: verifier,
    browserHash: await sha256(browserToken),
    expiresAt: deps.clock() + attemptMs,
  });
  return { authorizationUrl, browserToken };
}

/** Where the browser goes next. A `refusal` is also told to the editor, which is waiting at `location`. */
export interface SignInReturn {
  readonly location: string;
  readonly refusal?: ServiceError;
}

/** Finishes what the issuer sent back. Throws when the answer belongs to no attempt of this browser. */
export async function finishSignIn(
  deps: Deps,
  parameters: URLSearchParams,
  browserToken: string | undefined,
): Promise<SignInReturn> {
  const state = parameters.get("state");
  const attempt = state === null ? undefined : await deps.accounts.takeAttempt(await sha256(state), deps.clock());
  if (state === null || attempt === undefined) {
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
  try {
    const { owner, authTime } = await admit(deps, attempt, parameters, state);
    const code = randomToken();
    await deps.accounts.saveCode({
      codeHash: await sha256(code),
      ownerId: owner.id,
      codeChallenge: attempt.codeChallenge,
      authTime,
      expiresAt: deps.clock() + codeMs,
    });
    return { location: withQuery(attempt, { code }) };
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { location: withQuery(attempt, { error: error.code, error_description: error.message }), refusal: error };
  }
}

async function admit(
  deps: Deps,
  attempt: SignInAttempt,
  parameters: URLSearchParams,
  state: string,
): Promise<{ owner: Owner; authTime: number }> {
  const identity = await askIssuer(() =>
    deps.issuer.redeem({ parameters, state, nonce: attempt.nonce, verifier: attempt.issuerVerifier }),
  );
  const email = normaliseEmail(identity.email ?? "");
  if (email === undefined) {
    throw new ServiceError(
      "forbidden",
      "Your account has no usable e-mail address. Ask an administrator of your sign-in service.",
    );
  }
  if (!belongsToCompany(deps.rules.allowedDomains, { ...identity, email })) {
    throw new ServiceError("forbidden", `${email} is not an account of this company. Sign in with your work account.`);
  }
  const owner = await deps.accounts.admit(
    { issuer: identity.issuer, subject: identity.subject, email, groups: identity.groups },
    crypto.randomUUID(),
    deps.clock(),
  );
  if (owner === "conflict") {
    throw new ServiceError(
      "identity_conflict",
      `${email} already belongs to another account here. An administrator has to decide which one is right.`,
    );
  }
  if (owner.blocked) throw offboarded();
  return { owner, authTime: identity.authTime };
}

/** Trades a one-time code for a session. Any mistake burns the code. */
export async function openSession(
  deps: Deps,
  request: { code: string; codeVerifier: string; client: string },
): Promise<{ token: string; expiresAt: number; owner: Owner }> {
  const now = deps.clock();
  const code = await deps.accounts.takeCode(await sha256(request.code), now);
  if (code === undefined || (await sha256(request.codeVerifier)) !== code.codeChallenge) {
    throw new ServiceError("unauthorized", "This sign-in code is not valid any more. Sign in again.");
  }
  const token = `ors_${randomToken()}`;
  const expiresAt = now + sessionMs;
  const owner = await deps.accounts.saveSession({
    tokenHash: await sha256(token),
    ownerId: code.ownerId,
    authTime: code.authTime,
    now,
    idleUntil: now + idleMs,
    expiresAt,
    client: request.client,
    most: mostSessions,
  });
  if (owner === undefined) throw offboarded();
  return { token, expiresAt, owner };
}

/** The owner behind a session token, by its hash; nothing is cached, so that ending a session bites at once. */
export async function authenticate(deps: Deps, token: string | undefined, tokenHash: string): Promise<Owner> {
  if (token === undefined || !/^ors_[A-Za-z0-9_-]{43}$/.test(token)) throw unauthorized();
  const now = deps.clock();
  const session = await deps.accounts.findSession(tokenHash, now);
  if (session === undefined) throw unauthorized();
  if (session.owner.blocked) throw offboarded();
  if (now - session.lastUsedAt >= touchEveryMs) await deps.accounts.touchSession(tokenHash, now, now + idleMs);
  return session.owner;
}

function unauthorized(): ServiceError {
  return new ServiceError("unauthorized", "You are not signed in, or your session has ended. Sign in again.");
}

function offboarded(): ServiceError {
  return new ServiceError("offboarded", "Your access has ended. If that is a mistake, talk to an administrator.");
}

/** The editor's own query (a window id, a request id) is kept. */
function withQuery(attempt: SignInAttempt, answer: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams({ ...answer, state: attempt.clientState });
  return `${attempt.redirectUri}${attempt.redirectUri.includes("?") ? "&" : "?"}${query.toString()}`;
}

async function askIssuer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof IssuerError)) throw error;
    switch (error.kind) {
      case "cancelled":
        throw new ServiceError("forbidden", "The sign-in was cancelled. Start again from your editor.", {
          cause: error,
        });
      case "refused":
        throw new ServiceError(
          "forbidden",
          "The sign-in service's answer did not pass the checks. Start again; if it happens twice, tell an administrator.",
          {
            cause: error,
          },
        );
      case "unavailable":
        throw new ServiceError(
          "upstream_unavailable",
          "The sign-in service cannot be reached right now. Try again in a moment.",
          {
            cause: error,
            retryAfter: 10,
          },
        );
    }
  }
}
