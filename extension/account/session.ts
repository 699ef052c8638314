import * as z from "zod/mini";

import { Account, type TokenAnswer } from "../../functions/contract/account.ts";
import { createEmitter, type Disposable, type Event } from "../base/emitter.ts";
import type { Log } from "../base/log.ts";
import type { SecretStore } from "../base/secret-store.ts";
import type { FunctionAddress } from "./function-address.ts";

/**
 * expired: the session ended by itself, and the person did not sign out. Nothing can be asked of the function, but
 * the tools go on with the key they have.
 */
export type Session =
  | { readonly kind: "signed-out" }
  | { readonly kind: "expired"; readonly id: string; readonly account: Account }
  | {
      readonly kind: "signed-in";
      /** Names the session to the editor; says nothing of the token. */
      readonly id: string;
      readonly token: string;
      readonly account: Account;
    };

export interface SessionStore {
  /** Reads live, so that what another window did counts. */
  read(address: FunctionAddress): Promise<Session>;
  /** Replaces whatever session there was at this address. */
  signedIn(address: FunctionAddress, answer: TokenAnswer): Promise<Session>;
  /** The function refused this token. Does nothing when a later sign-in has replaced it. */
  expire(address: FunctionAddress, token: string): Promise<void>;
  /** Signed out: nobody is remembered. */
  forget(address: FunctionAddress): Promise<void>;
  /** The function said that the person has left: nobody is remembered, and it is told on. */
  forgetLeaver(address: FunctionAddress): Promise<void>;
  /** In the window that heard it from the function. */
  readonly onLeft: Event<void>;
  /** Something changed at some address, in this or another window. */
  readonly onDidChange: Event<void>;
  dispose(): void;
}

const Stored = z.object({
  id: z.string(),
  token: z.nullable(z.string().check(z.startsWith("ors_"))),
  account: Account,
  expiresAt: z.string().check(z.refine((time) => !Number.isNaN(Date.parse(time)))),
});
type Stored = z.infer<typeof Stored>;

const namePrefix = "session ";

interface SessionStoreDeps {
  readonly store: SecretStore;
  readonly now: () => number;
  readonly log: Log;
}

/** Sessions in secret storage, one entry per address of a function. */
export function createSessionStore({ store, now, log }: SessionStoreDeps): SessionStore {
  const changes = createEmitter<void>();
  const leavers = createEmitter<void>();
  const subscription: Disposable = store.onDidChange(({ key }) => {
    if (key.startsWith(namePrefix)) changes.fire();
  });
  const nameOf = ({ base }: FunctionAddress): string => `${namePrefix}${base}`;

  async function readStored(address: FunctionAddress): Promise<Stored | undefined> {
    const text = await store.get(nameOf(address));
    if (text === undefined) return undefined;
    try {
      return Stored.parse(JSON.parse(text));
    } catch {
      log.warn(`The stored session of ${address.origin} cannot be read; it counts as none.`);
      return undefined;
    }
  }

  async function read(address: FunctionAddress): Promise<Session> {
    const stored = await readStored(address);
    if (stored === undefined) return { kind: "signed-out" };
    const { id, token, account } = stored;
    if (token === null || Date.parse(stored.expiresAt) <= now()) return { kind: "expired", id, account };
    return { kind: "signed-in", id, token, account };
  }

  async function forget(address: FunctionAddress): Promise<void> {
    await store.delete(nameOf(address));
  }

  return {
    read,
    signedIn: async (address, { sessionToken, account, expiresAt }) => {
      const stored: Stored = { id: crypto.randomUUID(), token: sessionToken, account, expiresAt };
      await store.store(nameOf(address), JSON.stringify(stored));
      return read(address);
    },
    expire: async (address, token) => {
      const stored = await readStored(address);
      if (stored?.token !== token) return;
      await store.store(nameOf(address), JSON.stringify({ ...stored, token: null }));
    },
    forget,
    forgetLeaver: async (address) => {
      await forget(address);
      leavers.fire();
    },
    onLeft: leavers.event,
    onDidChange: changes.event,
    dispose: () => {
      subscription.dispose();
      changes.dispose();
      leavers.dispose();
    },
  };
}
