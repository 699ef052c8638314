import type { Owner } from "./account-store.ts";
import type { Deps } from "./deps.ts";
import { ServiceError } from "./errors.ts";
import { randomToken, sha256 } from "./secrets.ts";

/**
 * Sessions: 256 random bits, of which only the SHA-256 is kept. Nothing is cached, so that ending one bites with the
 * next request. They end 7 days after the sign-in, after 72 idle hours, on sign-out, and when their owner leaves.
 */
const sessionMs = 7 * 24 * 3_600_000;
const idleMs = 72 * 3_600_000;
const mostSessions = 10;
const touchEveryMs = 10 * 60_000;
/** How old a sign-in may be for what makes, revives or hands over keys, and for administration. */
export const freshSeconds = 12 * 3_600;

export interface OpenedSession {
  readonly token: string;
  readonly expiresAt: number;
  readonly owner: Owner;
}

/** The session a request came with. */
export interface CurrentSession {
  readonly owner: Owner;
  readonly tokenHash: string;
  readonly authTime: number;
}

/** A person's own session, as they see it. */
export interface OwnSession {
  readonly id: string;
  readonly client: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
  readonly isCurrent: boolean;
}

/** Trades a one-time code for a session. Any mistake burns the code. */
export async function openSession(
  deps: Deps,
  request: { code: string; codeVerifier: string; client: string },
): Promise<OpenedSession> {
  const code = await deps.accounts.takeCode(await sha256(request.code), deps.clock());
  if (code === undefined || (await sha256(request.codeVerifier)) !== code.codeChallenge) {
    throw new ServiceError("unauthorized", "This sign-in code is not valid any more. Sign in again.");
  }
  return openSessionFor(deps, { ownerId: code.ownerId, authTime: code.authTime, client: request.client });
}

/** A session for somebody who has just proved who they are. Throws `offboarded` when they have left meanwhile. */
export async function openSessionFor(
  deps: Deps,
  { ownerId, authTime, client }: { ownerId: string; authTime: number; client: string },
): Promise<OpenedSession> {
  const now = deps.clock();
  const token = `ors_${randomToken()}`;
  const expiresAt = now + sessionMs;
  const owner = await deps.accounts.saveSession({
    id: crypto.randomUUID(),
    tokenHash: await sha256(token),
    ownerId,
    // A proof from the future would stay fresh for ever.
    authTime: Math.min(authTime, now),
    now,
    idleUntil: now + idleMs,
    expiresAt,
    client,
    most: mostSessions,
  });
  if (owner === undefined) throw offboarded();
  return { token, expiresAt, owner };
}

/** The session behind the hash of a token. */
export async function authenticate(deps: Deps, tokenHash: string | undefined): Promise<CurrentSession> {
  if (tokenHash === undefined) throw unauthorized();
  const now = deps.clock();
  const session = await deps.accounts.findSession(tokenHash, now);
  if (session === undefined) throw unauthorized();
  if (session.owner.blocked) throw offboarded();
  if (now - session.lastUsedAt >= touchEveryMs) await deps.accounts.touchSession(tokenHash, now, now + idleMs);
  return { owner: session.owner, tokenHash, authTime: session.authTime };
}

/** Throws when the session has ended since `authenticate`: what was asked meanwhile is not handed over. */
export async function requireStillSignedIn(deps: Deps, { tokenHash }: CurrentSession): Promise<void> {
  const session = await deps.accounts.findSession(tokenHash, deps.clock());
  if (session === undefined) throw unauthorized();
  if (session.owner.blocked) throw offboarded();
}

/** Throws `reauth_required` when the person last proved who they are longer than 12 hours ago. */
export function requireFresh(deps: Pick<Deps, "clock">, authTime: number): void {
  if (deps.clock() - authTime > freshSeconds * 1000) {
    throw new ServiceError("reauth_required", "You signed in more than 12 hours ago. Sign in again to go on.");
  }
}

export async function ownSessions(deps: Deps, { owner, tokenHash }: CurrentSession): Promise<readonly OwnSession[]> {
  const rows = await deps.accounts.listSessions(owner.id, deps.clock());
  return rows.map(({ tokenHash: hash, ...row }) => ({ ...row, isCurrent: hash === tokenHash }));
}

/** Ends one of the owner's own sessions, by its id. Somebody else's is as unknown as none. */
export async function endOwnSession(deps: Deps, owner: Owner, id: string): Promise<void> {
  if (!(await deps.accounts.endOwnSession(owner.id, id))) {
    throw new ServiceError("not_found", "You have no such session. It may have ended already.");
  }
}

function unauthorized(): ServiceError {
  return new ServiceError("unauthorized", "You are not signed in, or your session has ended. Sign in again.");
}

export function offboarded(): ServiceError {
  return new ServiceError("offboarded", "Your access has ended. If that is a mistake, talk to an administrator.");
}
