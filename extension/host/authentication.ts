import * as vscode from "vscode";

import type { Access, AccessToken } from "../account/access-token.ts";
import type { AddressReading, FunctionAddress } from "../account/function-address.ts";
import type { FunctionClient } from "../account/function-client.ts";
import type { Session, SessionStore } from "../account/session.ts";
import type { SignIn } from "../account/sign-in.ts";
import { endSession, signOut } from "../account/sign-out.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { CancelledError, describe, isCancelled, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { authenticationId } from "../manifest.ts";

interface AuthenticationDeps {
  readonly address: () => AddressReading;
  readonly sessions: SessionStore;
  readonly signIn: SignIn;
  readonly client: FunctionClient;
  readonly log: Log;
}

export interface Authentication extends AccessToken {
  /** Who is signed in may have changed: here, in another window, or because another address is set. */
  readonly onDidChange: Event<void>;
  /** The address in the settings has changed: its session, if any, is the one that counts. */
  addressChanged(): Promise<void>;
  dispose(): void;
}

/** The accounts menu's “OpenRouter Keys”, and our own way to its session through the editor. */
export function createAuthentication(deps: AuthenticationDeps): Authentication {
  const { sessions, log } = deps;
  const changes = createEmitter<void>();
  const sessionEvents = new vscode.EventEmitter<vscode.AuthenticationProviderAuthenticationSessionsChangeEvent>();
  /** What the editor was last told, so that changes are announced as differences. */
  let announced: vscode.AuthenticationSession | undefined;
  /** Why the last createSession failed: on its way through the editor an error loses its class. */
  let lastFailure: unknown;

  async function currentSession(): Promise<vscode.AuthenticationSession | undefined> {
    const reading = deps.address();
    return reading.kind === "address" ? toEditor(await sessions.read(reading.address)) : undefined;
  }

  async function announce(): Promise<void> {
    const session = await currentSession();
    if (session?.id !== announced?.id) {
      const removed = announced === undefined ? [] : [announced];
      announced = session;
      sessionEvents.fire({ added: session === undefined ? [] : [session], removed, changed: [] });
    }
    changes.fire();
  }

  async function createSession(): Promise<vscode.AuthenticationSession> {
    lastFailure = undefined;
    try {
      const address = requireAddress(deps.address());
      const before = await sessions.read(address);
      const answer = await withProgress((signal, browserOpened) => deps.signIn.signIn(address, signal, browserOpened));
      const session = toEditor(await sessions.signedIn(address, answer));
      if (session === undefined)
        throw new UserError(vscode.l10n.t("The sign-in had ended before it arrived. Check this machine's clock."));
      if (before.kind === "signed-in" && before.token !== answer.sessionToken)
        void endSession(deps, address, before.token);
      announced = session;
      return session;
    } catch (error) {
      lastFailure = error;
      throw error;
    }
  }

  const provider: vscode.AuthenticationProvider = {
    onDidChangeSessions: sessionEvents.event,
    getSessions: async () => {
      const session = await currentSession();
      return session === undefined ? [] : [session];
    },
    createSession,
    removeSession: async (id) => {
      const reading = deps.address();
      if (reading.kind !== "address") return;
      const session = await sessions.read(reading.address);
      if (session.kind === "signed-in" && session.id === id) await signOut(deps, reading.address);
    },
  };
  const registration = vscode.authentication.registerAuthenticationProvider(
    authenticationId,
    "OpenRouter Keys",
    provider,
    { supportsMultipleAccounts: false },
  );
  const storeChanges = sessions.onDidChange(() => void announce().catch(logFailure));
  const logFailure = (error: unknown): void => log.error(`The session cannot be read: ${describe(error)}`);

  /** The token counts only together with the address under which it is stored at this moment. */
  async function weld(session: vscode.AuthenticationSession | undefined): Promise<Access | undefined> {
    const reading = deps.address();
    if (session === undefined || reading.kind !== "address") return undefined;
    const stored = await sessions.read(reading.address);
    if (stored.kind !== "signed-in" || stored.token !== session.accessToken) return undefined;
    return { address: reading.address, token: stored.token, account: stored.account };
  }

  return {
    existing: async () => weld(await vscode.authentication.getSession(authenticationId, [], { silent: true })),
    ask: async ({ fresh = false } = {}) => {
      requireAddress(deps.address());
      lastFailure = undefined;
      let session: vscode.AuthenticationSession;
      try {
        const detail = vscode.l10n.t("This needs a sign-in of the last hours.");
        session = fresh
          ? await vscode.authentication.getSession(authenticationId, [], { forceNewSession: { detail } })
          : await vscode.authentication.getSession(authenticationId, [], { createIfNone: true });
      } catch (error) {
        if (lastFailure instanceof Error && !isCancelled(lastFailure)) throw lastFailure;
        // The editor's own consent was declined, or the sign-in was cancelled.
        log.info(`No sign-in: ${describe(error)}`);
        throw new CancelledError();
      }
      const access = await weld(session);
      if (access === undefined) throw new UserError(vscode.l10n.t("The sign-in did not last. Try again."));
      return access;
    },
    onDidChange: changes.event,
    addressChanged: () => announce().catch(logFailure),
    dispose: () => {
      storeChanges.dispose();
      registration.dispose();
      sessionEvents.dispose();
      changes.dispose();
    },
  };
}

function requireAddress(reading: AddressReading): FunctionAddress {
  if (reading.kind === "address") return reading.address;
  if (reading.kind === "fault") throw new UserError(reading.message);
  throw new UserError(vscode.l10n.t("Set openrouterKeys.functionUrl to the address of your company's function first."));
}

function toEditor(session: Session): vscode.AuthenticationSession | undefined {
  if (session.kind !== "signed-in") return undefined;
  return { id: session.id, accessToken: session.token, account: session.account, scopes: [] };
}

async function withProgress<T>(work: (signal: AbortSignal, browserOpened: () => void) => Promise<T>): Promise<T> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t("Signing in"),
    cancellable: true,
  };
  return vscode.window.withProgress(options, async (progress, token) => {
    const stop = new AbortController();
    const subscription = token.onCancellationRequested(() => stop.abort(new CancelledError()));
    try {
      return await work(stop.signal, () => progress.report({ message: vscode.l10n.t("finish in your browser") }));
    } finally {
      subscription.dispose();
    }
  });
}
