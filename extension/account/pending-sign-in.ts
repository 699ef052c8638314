/**
 * Sign-ins that wait for the browser, in secret storage: a window that is reloaded meanwhile can still take what the
 * browser brings. Each is bound to the address of one function, and good for five minutes.
 */
import * as z from "zod/mini";

import type { SecretStore } from "../base/secret-store.ts";
import type { FunctionAddress } from "./function-address.ts";

const Pending = z.object({
  /** How the browser returns; a code that a person pastes is asked for by the window that has the box. */
  kind: z.enum(["editor", "page", "loopback"]),
  returnTo: z.string(),
  state: z.string(),
  verifier: z.string(),
  begunAt: z.number(),
});
export type PendingSignIn = z.infer<typeof Pending>;

export interface PendingSignIns {
  /** The last begun first. What cannot be read counts as none. */
  list(address: FunctionAddress): Promise<readonly PendingSignIn[]>;
  put(address: FunctionAddress, pending: PendingSignIn): Promise<void>;
  drop(address: FunctionAddress, pending: PendingSignIn): Promise<void>;
}

export function createPendingSignIns(store: SecretStore): PendingSignIns {
  const prefix = ({ base }: FunctionAddress): string => `sign-in ${base} `;
  const nameOf = (address: FunctionAddress, { begunAt, returnTo }: PendingSignIn): string =>
    `${prefix(address)}${begunAt} ${encodeURIComponent(returnTo)}`;

  async function read(name: string): Promise<PendingSignIn | undefined> {
    try {
      return Pending.parse(JSON.parse((await store.get(name)) ?? ""));
    } catch {
      return undefined;
    }
  }

  return {
    list: async (address) => {
      const names = (await store.keys()).filter((name) => name.startsWith(prefix(address)));
      const found = await Promise.all(names.map(read));
      return found.filter((pending) => pending !== undefined).toSorted((a, b) => b.begunAt - a.begunAt);
    },
    put: async (address, pending) => {
      await store.store(nameOf(address, pending), JSON.stringify(pending));
    },
    drop: async (address, pending) => {
      await store.delete(nameOf(address, pending));
    },
  };
}
