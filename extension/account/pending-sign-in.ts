/**
 * Sign-ins that wait for the browser or for a code, in secret storage: a window that is reloaded meanwhile can still
 * take what the browser brings. Each is bound to the address of one function, and good for five minutes.
 */
import * as z from "zod/mini";

import type { SecretStore } from "../base/secret-store.ts";
import type { FunctionAddress } from "./function-address.ts";

const Pending = z.object({
  /** How the browser returns; code: not at all, the person pastes what it shows. */
  kind: z.enum(["editor", "page", "loopback", "code"]),
  returnTo: z.string(),
  state: z.string(),
  verifier: z.string(),
  begunAt: z.number(),
  /** What the window that began it has open. */
  folder: z.string(),
});
export type PendingSignIn = z.infer<typeof Pending>;

export interface PendingSignIns {
  /** Without reading any: whether there may be one. */
  hasAny(address: FunctionAddress): Promise<boolean>;
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

  const namesAt = async (address: FunctionAddress): Promise<readonly string[]> =>
    (await store.keys()).filter((name) => name.startsWith(prefix(address)));

  return {
    hasAny: async (address) => (await namesAt(address)).length > 0,
    list: async (address) => {
      const found = await Promise.all((await namesAt(address)).map(read));
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
