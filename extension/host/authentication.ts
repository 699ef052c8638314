import * as vscode from "vscode";

import type { Access, AccessToken, AskOptions } from "../account/access-token.ts";
import type { TokenAnswer } from "../../functions/contract/account.ts";
import type { AddressReading, FunctionAddress } from "../account/function-address.ts";
import type { FunctionClient } from "../account/function-client.ts";
import { FunctionError } from "../account/function-error.ts";
import type { Session, SessionStore } from "../account/session.ts";
import type { SignIn, Tell, Turn } from "../account/sign-in.ts";
import { endSession, signOut } from "../account/sign-out.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { CancelledError, describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { authenticationId } from "../manifest.ts";

interface AuthenticationDeps {
  readonly address: () => AddressReading;
  readonly sessions: SessionStore;
  readonly signIn: SignIn;
  /** Before anybody signs in here: what is kept for another address goes, if the person agrees. */
  readonly mayLeaveOthers: (address: FunctionAddress) => Promise<boolean>;
  readonly client: FunctionClient;
  readonly log: Log;
}

export interface Authentication extends AccessToken {
  /** Who is signed in may have changed: here, in another window, or because another address is set. */
  readonly onDidChange: Event<void>;
  /** The address in the settings has changed: its session, if any, is the one that counts. */
  addressChanged(): Promise<void>;
  /**
   * Goes on with a sign-in during which the window was reloaded, or with another if the person wants that; undefined
   * where there is none. Throws as `ask` does.
   */
  resume(signal: AbortSignal, tell: Tell): Promise<Access | undefined>;
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

  async function createSession({
    fresh = false,
    byCode = false,
  }: AskOptions = {}): Promise<vscode.AuthenticationSession> {
    lastFailure = undefined;
    try {
      const address = requireAddress(deps.address());
      if (!(await deps.mayLeaveOthers(address))) throw new CancelledError();
      const answer = await withProgress(fresh ? titles.again() : titles.first(), (signal, onTurn) =>
        deps.signIn.signIn({ address, fresh, byCode }, signal, onTurn),
      );
      return await keep(address, answer);
    } catch (error) {
      await forgetLeaver(error);
      lastFailure = error;
      throw error;
    }
  }

  /** Whose session had ended and who is told now that they have left is remembered no more: nothing is served. */
  async function forgetLeaver(error: unknown): Promise<void> {
    const reading = deps.address();
    if (!(error instanceof FunctionError) || error.code !== "offboarded" || reading.kind !== "address") return;
    // Somebody else's session is their own affair: an account that has left may be tried beside it.
    if ((await sessions.read(reading.address)).kind === "expired") await sessions.forgetLeaver(reading.address);
  }

  /** The session that counts from now on; the one it replaces is ended. */
  async function keep(address: FunctionAddress, answer: TokenAnswer): Promise<vscode.AuthenticationSession> {
    const now = deps.address();
    if (now.kind !== "address" || now.address.base !== address.base) {
      void endSession(deps, address, answer.sessionToken);
      throw new UserError(vscode.l10n.t("The function's address was changed during the sign-in. Start it again."));
    }
    // Read at the last moment: another window may have signed in meanwhile.
    const before = await sessions.read(address);
    const session = toEditor(await sessions.signedIn(address, answer));
    if (session === undefined)
      throw new UserError(vscode.l10n.t("The sign-in had ended before it arrived. Check this machine's clock."));
    if (before.kind === "signed-in" && before.token !== answer.sessionToken)
      void endSession(deps, address, before.token);
    return session;
  }

  const provider: vscode.AuthenticationProvider = {
    onDidChangeSessions: sessionEvents.event,
    getSessions: async () => {
      const session = await currentSession();
      return session === undefined ? [] : [session];
    },
    createSession: () => createSession(),
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

  async function ask(options: AskOptions): Promise<Access> {
    requireAddress(deps.address());
    lastFailure = undefined;
    try {
      // These two are our own affair: the editor would ask in a dialog first, and it cannot be told of a code.
      if (options.fresh === true || options.byCode === true) await createSession(options);
      // The editor asks for consent once, and once more when somebody else has signed in.
      const access = await weld(await vscode.authentication.getSession(authenticationId, [], { createIfNone: true }));
      if (access === undefined) throw new UserError(vscode.l10n.t("The sign-in did not last. Try again."));
      return access;
    } catch (error) {
      if (error instanceof UserError) throw error;
      if (lastFailure instanceof Error && !(lastFailure instanceof CancelledError)) throw lastFailure;
      // The editor's own consent was declined, or the sign-in was cancelled.
      log.info(`No sign-in: ${describe(error)}`);
      throw new CancelledError();
    }
  }

  return {
    existing: async () => weld(await vscode.authentication.getSession(authenticationId, [], { silent: true })),
    ask: (options = {}) => ask(options),
    resume: async (signal, tell) => {
      const reading = deps.address();
      if (reading.kind !== "address") return undefined;
      const answer = await deps.signIn.resume(reading.address, signal, tell);
      if (answer === undefined) return undefined;
      if (answer !== "again") await keep(reading.address, answer);
      return ask({});
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

const titles = {
  first: () => vscode.l10n.t("Signing in"),
  again: () => vscode.l10n.t("You signed in more than 12 hours ago, so sign in once more"),
};

async function withProgress<T>(
  title: string,
  work: (signal: AbortSignal, onTurn: (turn: Turn) => void) => Promise<T>,
): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    const stop = new AbortController();
    const subscription = token.onCancellationRequested(() => stop.abort(new CancelledError()));
    const messages: Readonly<Record<Turn, string>> = {
      microsoft: vscode.l10n.t("with your Microsoft account"),
      finish: vscode.l10n.t("finish in your browser"),
      paste: vscode.l10n.t("paste the code that your browser shows"),
      "finish-instead": vscode.l10n.t("your Microsoft account did not work, so finish in your browser"),
      "paste-instead": vscode.l10n.t("your Microsoft account did not work, so paste the code that your browser shows"),
    };
    try {
      return await work(stop.signal, (turn) => progress.report({ message: messages[turn] }));
    } finally {
      subscription.dispose();
    }
  });
}
